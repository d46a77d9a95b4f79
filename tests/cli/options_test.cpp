// What a good command line means, and that a configuration written is the configuration read.
#include <boost/test/unit_test.hpp>

#include "cli/option_table.hpp"
#include "run_program.hpp"

using namespace valleydrift;
using cli::Options;
using cli_test::Folder;

BOOST_AUTO_TEST_SUITE(options)

BOOST_AUTO_TEST_CASE(defaults) {
  const Options o = cli::parse_options({"compare"});
  BOOST_TEST((o.command == cli::Command::compare));
  BOOST_TEST(o.run.manifold == "uv");
  BOOST_TEST(!o.run.start.has_value());
  BOOST_TEST(o.run.eta == 0.05);
  BOOST_TEST(!o.run.epsilon.has_value());
  BOOST_TEST(o.run.hyperparameters().mu == 1.0 - 0.9);
  BOOST_TEST((o.run.scheme == manifolds::Scheme::heavy_ball));
  BOOST_TEST((o.run.noise == run::NoiseKind::label));
  BOOST_TEST((o.run.noise_law == manifolds::NoiseLaw::gaussian));
  BOOST_TEST((o.run.form == sde::Form::finite_step));
  BOOST_TEST((o.run.ladder == run::Ladder::brief));
  BOOST_TEST((o.run.slow_variable == run::SlowVariable::first_order));
  BOOST_TEST(o.run.paths == 32768);
  BOOST_TEST(o.run.seed == 1U);
  BOOST_TEST(o.threads == 0);
  BOOST_TEST(!o.output.has_value());
  BOOST_TEST(
      !(o.force || o.save_paths || o.json || o.quiet || o.no_plots || o.dry_run || o.print_config || o.benchmark));
}

BOOST_AUTO_TEST_CASE(formulas_may_begin_with_signs) {
  const auto residual = [](const std::vector<std::string>& words) {
    std::vector<std::string> line = {"inspect", "--variables", "u,v", "--start", "2,0.5"};
    line.insert(line.end(), words.begin(), words.end());
    return cli::parse_options(line).run.formula->residuals.at(0).text;
  };
  for (const std::string text : {"-u*v + 1", "--u*v - 1", "- -u*v - 1", "---u*v + 1", "+u*v-1", "--C*u - 1"}) {
    if (text.find('C') != std::string::npos) {  // begins as an option does
      BOOST_TEST(residual({"--residual", text, "--constant", "C=1"}) == text);
    } else {
      BOOST_TEST(residual({"--residual", text}) == text);
      BOOST_TEST(residual({"--residual=" + text}) == text);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_option_arrives) {
  const Options o = cli::parse_options({"compare",
                                        "--manifold=ellipse",
                                        "--param",
                                        "a=2",
                                        "--param",
                                        "b=0.75",
                                        "--start",
                                        "-2,0",
                                        "--strict",
                                        "--scheme",
                                        "nesterov",
                                        "--eta",
                                        "2e-2",
                                        "--C",
                                        "0.5",
                                        "--gamma",
                                        "0.25",
                                        "--epsilon",
                                        ".125",
                                        "--noise",
                                        "isotropic",
                                        "--noise-law",
                                        "rademacher",
                                        "--form",
                                        "asymptotic",
                                        "--steps",
                                        "1000",
                                        "--paths",
                                        "512",
                                        "--shared-noise",
                                        "--slow-variable",
                                        "iterated",
                                        "--limit-step",
                                        "0.01",
                                        "--ladder",
                                        "full",
                                        "--seed",
                                        "18446744073709551615",
                                        "--threads",
                                        "3",
                                        "--output",
                                        "o",
                                        "--force",
                                        "--save-paths",
                                        "--json",
                                        "--quiet",
                                        "--no-plots",
                                        "--benchmark"});
  BOOST_TEST(o.run.manifold == "ellipse");
  BOOST_TEST(o.run.parameters.at("a") == "2");
  BOOST_TEST(o.run.parameters.at("b") == "0.75");
  BOOST_TEST((*o.run.start == std::vector<double>{-2.0, 0.0}));
  BOOST_TEST(o.run.strict);
  BOOST_TEST((o.run.scheme == manifolds::Scheme::nesterov));
  BOOST_TEST(o.run.eta == 0.02);
  BOOST_TEST(*o.run.C == 0.5);
  BOOST_TEST(*o.run.gamma == 0.25);
  BOOST_TEST(*o.run.epsilon == 0.125);
  BOOST_TEST(!o.run.beta.has_value());
  BOOST_TEST((o.run.noise == run::NoiseKind::isotropic));
  BOOST_TEST((o.run.noise_law == manifolds::NoiseLaw::rademacher));
  BOOST_TEST((o.run.form == sde::Form::asymptotic));
  BOOST_TEST(*o.run.steps == 1000);
  BOOST_TEST(!o.run.time.has_value());
  BOOST_TEST(o.run.paths == 512);
  BOOST_TEST(o.run.shared_noise);
  BOOST_TEST((o.run.slow_variable == run::SlowVariable::iterated));
  BOOST_TEST(o.run.limit_step.value() == 0.01);
  BOOST_TEST((o.run.ladder == run::Ladder::full));
  BOOST_TEST(o.run.seed == 18446744073709551615U);
  BOOST_TEST(o.threads == 3);
  BOOST_TEST(*o.output == "o");
  BOOST_TEST(cli::parse_options({"compare", "--print-config"}).print_config);
  BOOST_TEST(*cli::parse_options({"compare", "--paths", "512", "--path", "511", "--quiet"}).path == 511);
  BOOST_TEST(cli::parse_options({"compare", "--dry-run"}).dry_run);
  BOOST_TEST((o.force && o.save_paths && o.json && o.quiet && o.no_plots && o.benchmark));
}

BOOST_AUTO_TEST_CASE(mu_is_C_eta_to_the_gamma_without_detour) {
  // 1 - (1 - mu) would lose ten of the sixteen digits here.
  const Options o = cli::parse_options({"compare", "--C", "1e-10", "--gamma", "0"});
  BOOST_TEST(o.run.hyperparameters().mu == 1e-10);
}

BOOST_AUTO_TEST_CASE(allowed_combinations) {
  BOOST_TEST(*cli::parse_options({"compare", "--beta", "0.99", "--gamma", "0.4", "--form", "asymptotic"}).run.gamma ==
             0.4);
  BOOST_TEST(cli::parse_options({"compare", "--scheme", "sgd"}).run.hyperparameters().mu == 1.0);
  BOOST_TEST(cli::parse_options({"compare", "--scheme", "sgd", "--beta", "0"}).run.hyperparameters().mu == 1.0);
  BOOST_TEST(cli::parse_options({"compare", "--json", "--quiet"}).quiet);
  BOOST_TEST((*cli::parse_options({"inspect", "--at", "1, 1"}).run.start == std::vector<double>{1.0, 1.0}));
  BOOST_TEST(cli::parse_options({"--json", "manifolds", "uv"}).name == "uv");
}

BOOST_AUTO_TEST_CASE(noise_factor_is_read) {
  const Folder folder;
  const std::string path = folder.write("s.csv", "1, 0.5,-2e-1\r\n+0,1,0\r\n\n");
  const Options o = cli::parse_options({"compare", "--noise", "constant", "--sigma", path});
  BOOST_TEST(o.run.sigma.rows() == 2);
  BOOST_TEST(o.run.sigma.cols() == 3);
  BOOST_TEST(o.run.sigma(0, 1) == 0.5);
  BOOST_TEST(o.run.sigma(0, 2) == -0.2);
  BOOST_TEST(o.run.sigma(1, 1) == 1.0);
}

BOOST_AUTO_TEST_CASE(written_configuration_reads_back) {
  const Folder folder;
  folder.write("sigma.csv", "1,0\n0,0.1\n");
  const std::vector<std::vector<std::string>> lines = {
      {},
      {"--eta", "0.1", "--beta", "0.30000000000000004", "--epsilon", "1e-3", "--time", "0.1"},
      {"--C", "0.27", "--gamma", "0.6666666666666666", "--form", "asymptotic", "--steps", "77"},
      {"--manifold", "channel", "--param", "profile=exp", "--start", "-0.1,0", "--strict", "--shared-noise"},
      {"--manifold", "torus", "--param", "R=1.1", "--noise", "isotropic", "--noise-law", "rademacher", "--ladder",
       "full"},
      {"--scheme", "sgd", "--slow-variable", "iterated", "--seed", "18446744073709551615", "--paths", "100000000"},
      {"--scheme", "nesterov", "--beta", "0.99", "--gamma", "0.4", "--form", "paper"},
      {"--noise", "isotropic", "--limit-step", "0.0030000000000000001"},
      {"--noise", "constant", "--sigma", folder.path("sigma.csv")},
      {"--variables", "u,v", "--residual", "u*v - a/2 - b", "--constant", "b=pi/4", "--parameter", "a=1 in 0:9",
       "--param", "a=2.5", "--weight", "2", "--name", "mine", "--start", "2,0.5"},
      {"--variables", "u,v", "--residual=-u*v+1", "--start", "2,0.5"},
      {"--variables", "u,v,x", "--residual", "--u*v - 1", "--residual=--x+u", "--start", "2,0.5,-2"},
      {"--manifold", "quadratic-pair", "--batch", "1", "--draw", "with-replacement"},
      {"--manifold", "quadratic-pair", "--noise", "minibatch"},
      {"--start", "random", "--start-scale", "0.30000000000000004", "--phase1", "noisy"},
      {"--start", "2,1", "--phase1", "gd"},
      {"--variables", "u,v", "--residual", "u*v - 1", "--start", "random"},
  };
  for (std::vector<std::string> line : lines) {
    line.insert(line.begin(), "compare");
    const run::RunConfig given = cli::parse_options(line).run;
    const std::string text = cli::config_text(given);
    const std::string file = folder.write("config.ini", text);
    const run::RunConfig read = cli::parse_options({"compare", "--config", file}).run;
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(cli::config_text(read) == text);
      BOOST_TEST(read.hyperparameters().mu == given.hyperparameters().mu);
      BOOST_TEST((read.start == given.start));
      BOOST_TEST((read.random_start == given.random_start && read.start_scale == given.start_scale));
      BOOST_TEST((read.phase1 == given.phase1));
      BOOST_TEST((read.sigma == given.sigma));
      BOOST_TEST(read.beta.value_or(0.9) == given.beta.value_or(0.9));
      BOOST_TEST((read.C == given.C && read.gamma == given.gamma && read.epsilon == given.epsilon));
      BOOST_TEST((read.steps == given.steps && read.limit_step == given.limit_step));
      BOOST_TEST((read.batch == given.batch && read.draw == given.draw && read.noise == given.noise));
      for (const char* absent : {"threads", "output", "force"}) BOOST_TEST(text.find(absent) == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_start_replaces_a_random_one) {
  const Folder folder;
  const std::string file = folder.write("run.ini", "start = random\nstart-scale = 0.5\nphase1 = gd\n");
  const run::RunConfig read = cli::parse_options({"compare", "--config", file}).run;
  BOOST_TEST((read.random_start && read.start_scale == 0.5 && read.phase1 == run::Phase1::gd));
  const run::RunConfig given = cli::parse_options({"compare", "--config", file, "--start", "2,1"}).run;
  BOOST_TEST((!given.random_start && !given.start_scale && given.start == std::vector<double>{2.0, 1.0}));
  const run::RunConfig scaled =
      cli::parse_options({"compare", "--config", file, "--start-scale", "2", "--phase1", "noisy"}).run;
  BOOST_TEST((scaled.random_start && scaled.start_scale == 2.0 && scaled.phase1 == run::Phase1::noisy));
  const run::RunConfig other = cli::parse_options({"compare", "--config", file, "--manifold", "torus"}).run;
  BOOST_TEST((!other.random_start && !other.start_scale));
  BOOST_TEST(cli::parse_options({"inspect", "--config", file, "--at", "1,1"}).run.start.value()[0] == 1.0);
}

BOOST_AUTO_TEST_CASE(command_line_wins_over_the_file) {
  const Folder folder;
  const std::string file = folder.write("run.ini",
                                        "# a comment\r\nmanifold = vector-uv\r\nparam = d=3\r\neta = 0.1   # "
                                        "another\r\nbeta = 0.5\r\ntime = 4\r\n");
  const Options plain = cli::parse_options({"compare", "--config", file});
  BOOST_TEST(plain.run.parameters.at("d") == "3");
  BOOST_TEST(plain.run.eta == 0.1);
  BOOST_TEST(*plain.run.beta == 0.5);
  BOOST_TEST(*plain.run.time == 4.0);
  const std::string strict = folder.write("strict.ini", "start = 2,1\nstrict = true\n");
  BOOST_TEST(cli::parse_options({"compare", "--config", strict}).run.strict);

  const Options o = cli::parse_options(
      {"compare", "--config", file, "--eta", "0.2", "--param", "d=4", "--C", "1", "--gamma", "0.5", "--steps", "10"});
  BOOST_TEST(o.run.parameters.at("d") == "4");
  BOOST_TEST(o.run.eta == 0.2);
  BOOST_TEST(!o.run.beta.has_value());
  BOOST_TEST(*o.run.C == 1.0);
  BOOST_TEST(!o.run.time.has_value());
  BOOST_TEST(*o.run.steps == 10);

  const Options other = cli::parse_options({"compare", "--config", file, "--manifold", "uv", "--scheme", "sgd"});
  BOOST_TEST(other.run.parameters.empty());
  BOOST_TEST(other.run.hyperparameters().mu == 1.0);
}

BOOST_AUTO_TEST_CASE(the_help_says_what_the_rows_say) {
  for (const auto& [command, command_name, does] : names_of(cli::Command{})) {
    for (const cli::OptionInfo& option : cli::option_table()) {
      if (!cli::belongs_to(option, command) || !option.decides_results) continue;
      const std::string help = cli::help_text(option, command);
      const Options defaults = cli::default_options(command);
      const auto preset = option.value.written ? option.value.written(defaults) : std::vector<std::string>{};
      BOOST_TEST_CONTEXT(command_name << " --" << option.name << ": " << help) {
        // The default is allowed, and is what the field has when it is read.
        if (preset.size() == 1) {
          Options read = defaults;
          if (!option.value.repeatable) option.value.read({"", preset.front()}, read);
          BOOST_TEST(option.value.written(read) == preset, boost::test_tools::per_element());
        }
        // A default that the help spells out is that of the field.
        const std::size_t at = help.find("(default ");
        if (at != std::string::npos && preset.size() == 1) {
          const std::string word = help.substr(at + 9, help.find_first_of(");,", at) - at - 9);
          Options read = defaults;
          option.value.read({"", word}, read);
          BOOST_TEST(option.value.written(read) == preset, boost::test_tools::per_element());
        }
        for (const auto& [name, meaning] : option.value.choices) {
          BOOST_TEST(cli_test::contains(help, name), "missing: " << name);
          const bool marked =
              cli_test::contains(help, name + " (default") || cli_test::contains(help, "(default: " + name);
          if (!preset.empty()) BOOST_TEST(marked == (name == preset.front()), name);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(noise_factor_is_looked_for_beside_the_file) {
  const Folder folder;
  folder.write("factor.csv", "1\n2\n");
  const std::string file = folder.write("run.ini", "noise = constant\nsigma = factor.csv\n");
  BOOST_TEST(cli::parse_options({"compare", "--config", file}).run.sigma(1, 0) == 2.0);
}

BOOST_AUTO_TEST_SUITE_END()

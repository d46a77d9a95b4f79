// Whatever finite numbers are given: an answer or a message, in time, and no nan or inf in either.
#include <sys/wait.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>

#include "run_program.hpp"

using valleydrift::cli_test::Folder;

namespace {

/// Draws command lines: about half of the numbers from the ends of double precision.
class Draw {
 public:
  Draw(unsigned seed, const Folder& folder) : random_(seed) {
    sigmas_ = {folder.write("large.csv", "1e200\n1\n"), folder.write("small.csv", "1e-300\n1e-310\n"),
               folder.write("mixed.csv", "1e-160,3\n1,1e155\n")};
  }

  std::vector<std::string> command_line() {
    const std::string command = of({"inspect", "inspect", "advise", "scan", "compare"});
    const bool runs = command == "inspect" || command == "compare";
    words_ = {command};
    const int dimension = valley(runs);
    if (likely(0.6)) add("epsilon", number());
    add("scheme", command == "advise" ? of({"heavy-ball", "nesterov"}) : of({"heavy-ball", "nesterov", "sgd"}));
    if (command == "scan") {  // its own grids are tested with the scan
      for (const char* word : {"--eta=0.001,0.01", "--gamma=0.5,0.7", "--no-prefactor", "--dry-run", "--paths=256"}) {
        words_.emplace_back(word);
      }
    } else if (likely(0.7)) {
      add("eta", number());
    }
    if (runs) iteration(dimension);
    if (command == "compare") length();
    if ((command == "inspect" || command == "advise") && likely(0.15)) add("search", "3");
    if (likely(0.4)) words_.emplace_back("--json");
    return words_;
  }

 private:
  bool likely(double probability) { return std::uniform_real_distribution<double>(0.0, 1.0)(random_) < probability; }
  std::string of(const std::vector<std::string>& choices) { return choices[random_() % choices.size()]; }
  std::string number(double extreme = 0.5) {
    return likely(extreme) ? of({"5e-324", "1e-310", "1e-300", "1e-160",      "1e-100", "1e-77", "1e-30",
                                 "1e-16",  "1e-12",  "1e-7",   "0.999999999", "1e3",    "1e7",   "1e12",
                                 "1e30",   "1e77",   "1e100",  "1e154",       "1e160",  "1e300", "1.7e308"})
                           : of({"1e-3", "0.01", "0.02", "0.05", "0.1", "0.5", "1", "3"});
  }
  std::string point(int dimension) {
    std::string text = number(0.4);
    for (int i = 1; i < dimension; ++i) text += "," + number(0.4);
    return text;
  }
  void add(const std::string& option, const std::string& value) { words_.push_back("--" + option + "=" + value); }

  /// Manifold and start; returns the dimension.
  int valley(bool random_start) {
    const std::string name = of({"uv", "uv", "sphere", "ellipse", "torus", "channel", "u v", "y exp(x)"});
    if (name == "u v") {
      words_ = {words_[0], "--variables=u,v", "--residual=k*u*v-c"};
      add("constant", "k=" + number(0.3));
      add("constant", "c=" + number(0.3));
      add("start", point(2));
      return 2;
    }
    if (name == "y exp(x)") {
      words_ = {words_[0], "--variables=x,y", "--residual=y*exp(x)-1"};
      add("start", point(2));
      return 2;
    }
    add("manifold", name);
    const int dimension = name == "sphere" || name == "torus" ? 3 : 2;
    if (name == "channel") add("param", "profile=sqrt");
    if (likely(0.3)) {
      add("start", point(dimension));
    } else if (random_start && likely(0.2)) {
      add("start", "random");
      add("start-scale", number());
    }
    return dimension;
  }
  void iteration(int dimension) {
    if (likely(0.3)) {
      add("C", number());
      add("gamma", of({"0", "0.1", "0.5", "0.6666666", "0.99"}));
    } else if (likely(0.4)) {
      add("beta", of({"0", "0.5", "0.99", "0.9999999", "0.99999999999999", "0.9999999999999999"}));
    }
    if (likely(0.15)) {
      add("noise", "isotropic");
    } else if (dimension == 2 && likely(0.2)) {
      add("noise", "constant");
      add("sigma", of(sigmas_));
    }
  }
  void length() {
    for (const char* word : {"--paths=256", "--dry-run"}) words_.emplace_back(word);
    if (likely(0.3)) {
      add("time", number());
    } else if (likely(0.4)) {
      add("steps", of({"1", "2", "100", "999999999999", "1000000000000"}));
    }
    if (likely(0.2)) add("phase1", of({"gd", "noisy"}));
    if (likely(0.3)) add("form", of({"paper", "finite-step"}));
  }

  std::mt19937 random_;
  std::vector<std::string> sigmas_, words_;
};

/// "nan" or "inf" as a word of its own.
bool names_no_number(const std::string& text) {
  std::string lower;
  for (const char c : text) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto letter = [&](std::size_t at) { return at < lower.size() && std::isalnum(lower[at]) != 0; };
  for (const char* word : {"nan", "inf"}) {
    for (std::size_t at = lower.find(word); at != std::string::npos; at = lower.find(word, at + 1)) {
      if ((at == 0 || !letter(at - 1)) && !letter(at + 3)) return true;
    }
  }
  return false;
}

/// Whether every null has its reason beside it; in an array there is no place for one.
bool reasons_given(const nlohmann::json& value) {
  if (value.is_null()) return false;
  if (value.is_array()) return std::all_of(value.begin(), value.end(), reasons_given);
  if (!value.is_object()) return true;
  for (const auto& [key, entry] : value.items()) {
    if (entry.is_null() ? value.value(key + "_reason", "").empty() : !reasons_given(entry)) return false;
  }
  return true;
}

void check(unsigned seed, int cases) {
  const Folder folder;
  Draw draw(seed, folder);
  int answered = 0;
  for (int i = 0; i < cases; ++i) {
    std::string line = "ulimit -t 5; exec " VALLEYDRIFT_PROGRAM;  // seconds of processor time
    const std::vector<std::string> words = draw.command_line();
    for (const std::string& word : words) line += " '" + word + "'";
    const int status = std::system((line + " > " + folder.path("out") + " 2> " + folder.path("err")).c_str());
    const auto read = [&](const char* name) {
      std::ostringstream text;
      text << std::ifstream(folder.path(name)).rdbuf();
      return text.str();
    };
    const std::string out = read("out"), err = read("err");
    BOOST_TEST_CONTEXT(line) {
      BOOST_TEST(WIFEXITED(status));
      BOOST_TEST(WEXITSTATUS(status) <= 3);
      BOOST_TEST(!names_no_number(out + err), out << err);
      BOOST_TEST(out.empty() == !err.empty());
      if (out.starts_with("{")) BOOST_TEST(reasons_given(nlohmann::json::parse(out)), out);
    }
    answered += WEXITSTATUS(status) == 0 ? 1 : 0;
  }
  BOOST_TEST(answered > cases / 5);  // not all are refused
}

}  // namespace

BOOST_AUTO_TEST_SUITE(extreme_numbers)

BOOST_AUTO_TEST_CASE(words_that_are_no_numbers_are_seen) {
  for (const char* text : {"max |f| = nan", "-nan, bound", "(inf)", "Inf", "2:inf"}) BOOST_TEST(names_no_number(text));
  for (const char* text : {"infinite", "info", "finance", "nano", "1e300"}) BOOST_TEST(!names_no_number(text));
  BOOST_TEST(!reasons_given({{"a", nullptr}}));
  BOOST_TEST(!reasons_given({{"a", {1.0, nullptr}}}));
  BOOST_TEST(reasons_given({{"a", nullptr}, {"a_reason", "none"}}));
}

BOOST_AUTO_TEST_CASE(answers_and_messages_are_finite) { check(1, 60); }

BOOST_AUTO_TEST_CASE(answers_and_messages_are_finite_in_many_cases, *boost::unit_test::label("slow")) { check(2, 600); }

BOOST_AUTO_TEST_SUITE_END()

// Turns names such as tau_Y or w_1 into gnuplot's enhanced text, and escapes all else.
#include "validation/figures/plot_text.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <cmath>
#include <cstring>
#include <utility>

namespace valleydrift::figures {
namespace {

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// The characters from `i` on that pass the test; `i` is moved behind them.
template <class Test>
std::string take(const std::string& text, std::size_t& i, Test test) {
  const std::size_t first = i;
  while (i < text.size() && test(text[i])) ++i;
  return text.substr(first, i - first);
}

std::string symbol(std::string word) {
  constexpr std::array<std::pair<const char*, const char*>, 7> symbols = {{{"kappa", "κ"},
                                                                           {"lambda", "λ"},
                                                                           {"rho", "ρ"},
                                                                           {"theta", "θ"},
                                                                           {"azimuth", "azimuth φ"},
                                                                           {"eps", "ε"},
                                                                           {"sum", "Σ"}}};
  for (const auto& [name, letter] : symbols) {
    if (word == name) return letter;
  }
  return word;
}

}  // namespace

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += c;  // doubled
    out += c == '\n' ? ' ' : c;
  }
  out += '\'';
  return out;
}

std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::strchr("@^_{}&~\\", c)) out += '\\';
    out += c;
  }
  return out;
}

std::string formula(const std::string& text) {
  const bool sentence = text.find(' ') != std::string::npos;
  const auto letter_at = [&](std::size_t i) { return i < text.size() && is_letter(text[i]); };
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (letter_at(i)) {
      out += symbol(take(text, i, is_letter));
      std::size_t after = i + 1;
      const std::string low = i < text.size() && text[i] == '_' ? take(text, after, is_alphanumeric) : "";
      constexpr std::size_t longest_index = 2;  // f_a, w_12; but path_error
      const bool underscore = !low.empty() && low.size() <= longest_index;
      if (underscore) i = after;
      const std::string index = underscore ? low : take(text, i, is_alphanumeric);
      if (!index.empty()) out += fmt::format("_{{{}}}", index);
      continue;
    }
    const char c = text[i];
    const bool spaced = i > 0 && text[i - 1] == ' ';
    const bool hyphen = sentence && i > 0 && letter_at(i - 1) && letter_at(i + 1);
    if (c == '-') {
      out += hyphen ? "-" : spaced ? "−" : " − ";
    } else if (c == '_') {
      out += ' ';
    } else if (c == '.') {
      out += "·";
    } else if (c == ',') {
      out += sentence && i + 1 < text.size() && text[i + 1] == ' ' ? "," : ", ";
    } else {
      if (std::strchr("@{}&~\\", c)) out += '\\';
      out += c;
    }
    ++i;
  }
  return out;
}

std::string formula(const std::string& text, bool typed) { return typed ? plain(text) : formula(text); }

std::string axis_label(const std::string& name, bool typed) {
  if (name == "trace_hessian") return "tr H";
  if (name == "transverse_variance") return "tr A / ε^2";
  if (name == "loss") return "E L / ε^2";
  if (typed && name != "path_error") return plain(name);
  const bool angle = name == "angle" || name == "azimuth" || name == "theta";
  return formula(name) + (angle ? " [rad]" : "");
}

std::string number(double value) { return std::isfinite(value) ? fmt::format("{:.7g}", value) : "NaN"; }

std::string decade_label(int digit, int exponent) {
  constexpr int smallest = -3, largest = 3;  // written out between these
  if (exponent >= smallest && exponent <= largest) return fmt::format("{:g}", digit * std::pow(10.0, exponent));
  return digit == 1 ? fmt::format("10^{{{}}}", exponent) : fmt::format("{}×10^{{{}}}", digit, exponent);
}

}  // namespace valleydrift::figures

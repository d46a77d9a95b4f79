// The grammar in Boost.Spirit X3, the builder of its nodes, and messages that show the place of an error.
#include "manifolds/formula/formula_parser.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/spirit/home/x3.hpp>
#include <charconv>
#include <cmath>
#include <utility>

#include "manifolds/catalogue.hpp"
#include "manifolds/errors.hpp"

namespace valleydrift::manifolds {
namespace {

using Node = ExpressionGraph::Node;
using Iterator = std::string::const_iterator;
namespace x3 = boost::spirit::x3;

constexpr std::array<std::pair<const char*, Operation>, 10> functions = {{{"exp", Operation::exp},
                                                                          {"log", Operation::log},
                                                                          {"sqrt", Operation::sqrt},
                                                                          {"sin", Operation::sin},
                                                                          {"cos", Operation::cos},
                                                                          {"tan", Operation::tan},
                                                                          {"tanh", Operation::tanh},
                                                                          {"atan", Operation::atan},
                                                                          {"sinh", Operation::sinh},
                                                                          {"cosh", Operation::cosh}}};
constexpr double pi = 0x1.921fb54442d18p+1, euler = 0x1.5bf0a8b145769p+1;

const Operation* function_named(const std::string& name) {
  const auto found = std::find_if(functions.begin(), functions.end(), [&](const auto& f) { return name == f.first; });
  return found == functions.end() ? nullptr : &found->second;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Where the grammar stands: the nodes of finished operands, and the operators and names that wait for theirs.
class Builder {
 public:
  Builder(const FormulaText& text, const FormulaNames& names, ExpressionGraph& graph)
      : text_(text),
        names_(names),
        graph_(graph) {}

  std::size_t column(Iterator at) const { return static_cast<std::size_t>(at - text_.text.begin()); }

  void number(Iterator first, Iterator last) {
    double value = 0.0;
    const char* begin = text_.text.data() + column(first);
    const auto [end, error] = std::from_chars(begin, begin + (last - first), value);
    if (error != std::errc{} || end != begin + (last - first)) {
      refuse(column(first), fmt::format("'{}' is out of the range of a double", std::string(first, last)));
    }
    push(graph_.constant(value), column(first));
  }
  void mark(Iterator at) { marks_.push_back(column(at)); }
  void name(Iterator first, Iterator last) { waiting_.emplace_back(std::string(first, last), column(first)); }

  /// The name that waits is a variable or a constant.
  void finish_name() {
    const auto [name, at] = std::move(waiting_.back());
    waiting_.pop_back();
    const auto found = names_.find(name);
    if (found != names_.end()) return push(found->second, at);
    if (name == "pi") return push(graph_.constant(pi), at);
    if (name == "e") return push(graph_.constant(euler), at);
    if (function_named(name)) refuse(at + name.size(), fmt::format("expected '(' after the function {}", name));
    constexpr std::size_t most_listed = 8;
    std::vector<std::string> known;
    for (const auto& [other, node] : names_) known.push_back(other);
    const bool short_list = known.size() <= most_listed && !known.empty();
    const std::string list = short_list ? fmt::format("; there are {}", fmt::join(known, ", ")) : "";
    known.insert(known.end(), formula_functions().begin(), formula_functions().end());
    const std::string near = nearest_name(name, known);
    refuse(at, fmt::format("{} is neither a variable nor a constant{}", name,
                           near.empty() ? list : fmt::format(", did you mean {}?", near)));
  }
  /// The name that waits is followed by '('.
  void check_function() const {
    const auto& [name, at] = waiting_.back();
    if (function_named(name)) return;
    if (names_.contains(name) || name == "pi" || name == "e") {
      refuse(at, fmt::format("{} is not a function; for a product write {}*(...)", name, name));
    }
    const std::string near = nearest_name(name, formula_functions());
    refuse(at, fmt::format("{} is not a function{}; there are {}", name,
                           near.empty() ? "" : fmt::format(", did you mean {}?", near),
                           fmt::join(formula_functions(), " ")));
  }
  void finish_call() {
    const auto [name, at] = std::move(waiting_.back());
    waiting_.pop_back();
    push(graph_.call(*function_named(name), pop()), at);
  }
  void finish_operator() {
    const std::size_t at = marks_.back();
    marks_.pop_back();
    const Node y = pop(), x = pop();
    switch (text_.text[at]) {
      case '+':
        return push(graph_.add(x, y), at);
      case '-':
        return push(graph_.subtract(x, y), at);
      case '*':
        return push(graph_.multiply(x, y), at);
      case '/':
        if (graph_.value(y) == 0.0) refuse(at, "division by 0");
        return push(graph_.divide(x, y), at);
      default:
        if (const auto exponent = graph_.value(y); exponent && std::abs(*exponent) > ExpressionGraph::largest_power) {
          refuse(at, fmt::format("the exponent is {:g}, allowed is up to {:g} in size", *exponent,
                                 ExpressionGraph::largest_power));
        }
        return push(graph_.power(x, y), at);
    }
  }
  void finish_sign() {
    const std::size_t at = marks_.back();
    marks_.pop_back();
    if (text_.text[at] == '-') push(graph_.negate(pop()), at);
  }
  Node result() const { return operands_.back(); }

  [[noreturn]] void refuse(std::size_t column, const std::string& message) const {
    refuse_formula(text_, column, message);
  }

 private:
  Node pop() {
    const Node x = operands_.back();
    operands_.pop_back();
    return x;
  }
  void push(Node x, std::size_t at) {
    if (const auto value = graph_.value(x); value && !std::isfinite(*value)) {
      refuse(at, fmt::format("the value here is {}, not a finite number", std::isnan(*value) ? "nan" : "infinite"));
    }
    if (graph_.size() > most_formula_operations) {
      refuse(at, fmt::format("more than {} operations up to here, all residuals together", most_formula_operations));
    }
    operands_.push_back(x);
  }

  const FormulaText& text_;
  const FormulaNames& names_;
  ExpressionGraph& graph_;
  std::vector<Node> operands_;
  std::vector<std::size_t> marks_;
  std::vector<std::pair<std::string, std::size_t>> waiting_;
};

/// An action that hands the matched characters, or nothing, to the builder.
constexpr auto with_text = [](auto member) {
  return [member](auto& context) {
    const auto& range = x3::_attr(context);
    (x3::get<Builder>(context).get().*member)(range.begin(), range.end());
  };
};
constexpr auto with_place = [](auto& context) { x3::get<Builder>(context).get().mark(x3::_attr(context).begin()); };
constexpr auto call = [](auto member) {
  return [member](auto& context) { (x3::get<Builder>(context).get().*member)(); };
};

// The names of these rules are what a message says was expected.
const x3::rule<class ExpressionRule> expression = "expression";
const x3::rule<class FactorRule> factor = "a number, a name or '('";
const x3::rule<class CloseRule> close = "an operator (+ - * / ^) or ')'";

const auto digits = +x3::char_('0', '9');
const auto number = x3::raw[x3::lexeme[((digits >> -('.' >> *x3::char_('0', '9'))) | ('.' >> digits)) >>
                                       -(x3::char_("eE") >> -x3::char_("+-") >> digits)]];
const auto identifier = x3::raw[x3::lexeme[x3::char_("A-Za-z_") >> *x3::char_("A-Za-z0-9_")]];
const auto operation = [](auto characters) { return x3::raw[characters][with_place]; };
const auto finish = x3::eps[call(&Builder::finish_operator)];

const auto open_call = x3::lit('(') >> x3::eps[call(&Builder::check_function)];
const auto primary =
    number[with_text(&Builder::number)] |
    (identifier[with_text(&Builder::name)] >>
     ((open_call > expression > close > x3::eps[call(&Builder::finish_call)]) | x3::eps[call(&Builder::finish_name)])) |
    ('(' > expression > close);
const auto close_def = x3::lit(')');
const auto factor_def = (operation(x3::char_("+-")) > factor > x3::eps[call(&Builder::finish_sign)]) |
                        (primary >> -(operation(x3::char_('^')) > factor > finish));
const auto term = factor >> *(operation(x3::char_("*/")) > factor > finish);
const auto expression_def = term >> *(operation(x3::char_("+-")) > term > finish);
BOOST_SPIRIT_DEFINE(expression, factor, close)

/// One past the number or name that begins at `at`. The sign of an exponent is no operator.
std::size_t end_of_word(const std::string& text, std::size_t at) {
  const auto character = [&](std::size_t i) { return i < text.size() ? text[i] : ' '; };
  if (is_letter(text[at])) {
    while (is_letter(character(at)) || is_digit(character(at))) ++at;
    return at;
  }
  while (is_digit(character(at)) || character(at) == '.') ++at;
  if (character(at) != 'e' && character(at) != 'E') return at;
  std::size_t digit = at + 1;
  if (character(digit) == '+' || character(digit) == '-') ++digit;
  if (!is_digit(character(digit))) return at;
  while (is_digit(character(digit))) ++digit;
  return digit;
}

/// What an operator or parenthesis that stands wrongly is told; empty for the usual ones.
std::string hint_for(char c) {
  if (c == '=') return "; write f for the residual f = 0";
  if (c == ',') return "; decimals have a point, functions one argument";
  return "";
}

/// Length, characters, parentheses and depth, before the grammar, which recurses, sees the text.
void check_before_parsing(const FormulaText& formula) {
  const std::string& text = formula.text;
  if (text.size() > most_formula_length) {
    throw ConfigError(
        fmt::format("{}: {} characters, allowed are up to {}", formula.where, text.size(), most_formula_length));
  }
  if (std::all_of(text.begin(), text.end(), is_blank)) {
    throw ConfigError(fmt::format("{}: the formula is empty", formula.where));
  }
  // What stands within what: parentheses, and in each the signs and powers that wait for the operator that ends them.
  std::vector<std::size_t> open;
  std::vector<int> waiting = {0};
  int depth = 0;
  bool after_operand = false;
  for (std::size_t i = 0, end = 0; i < text.size(); i = end) {
    const char c = text[i];
    end = i + 1;
    if (is_blank(c)) continue;
    const bool word = is_letter(c) || is_digit(c) || c == '.';
    if (word) {
      end = end_of_word(text, i);
    } else if (c == '(') {
      open.push_back(i);
      waiting.push_back(0);
      ++depth;
    } else if (c == ')') {
      if (open.empty()) refuse_formula(formula, i, "')' closes nothing");
      open.pop_back();
      depth -= 1 + waiting.back();
      waiting.pop_back();
    } else if (c == '^' || ((c == '+' || c == '-') && !after_operand)) {
      ++waiting.back();
      ++depth;
    } else if (c == '+' || c == '-' || c == '*' || c == '/') {
      if (c == '*' && i > 0 && text[i - 1] == '*') {
        refuse_formula(formula, i, "** is not an operator; a power is written u^2");
      }
      depth -= std::exchange(waiting.back(), 0);
    } else {
      const bool visible = c > ' ' && c <= '~';
      refuse_formula(formula, i,
                     fmt::format("{} does not belong in a formula{}",
                                 visible ? fmt::format("'{}'", c)
                                         : fmt::format("the byte 0x{:02x}", static_cast<unsigned char>(c)),
                                 hint_for(c)));
    }
    after_operand = word || c == ')';
    if (depth > most_formula_depth) {
      refuse_formula(
          formula, i,
          fmt::format("deeper than {} parentheses, signs and powers within one another", most_formula_depth));
    }
  }
  if (!open.empty()) refuse_formula(formula, open.back(), "'(' is not closed");
}

std::string found(const std::string& text, std::size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  if (at == text.size()) return "the end";
  if (!is_letter(text[at])) return fmt::format("'{}'", text[at]);
  std::size_t end = at;
  while (end < text.size() && (is_letter(text[end]) || is_digit(text[end]))) ++end;
  return text.substr(at, end - at);
}

}  // namespace

const std::vector<std::string>& formula_functions() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, operation] : functions) all.emplace_back(name);
    return all;
  }();
  return names;
}

bool is_formula_name(const std::string& text) {
  return !text.empty() && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

void refuse_formula(const FormulaText& text, std::size_t column, const std::string& message) {
  constexpr std::size_t before = 40, after = 20;  // what is shown of a long formula
  const std::size_t first = column > before ? column - before : 0;
  std::string shown = text.text.substr(std::min(first, text.text.size()), before + after);
  for (char& c : shown) {
    if (c < ' ' || c > '~') c = is_blank(c) ? ' ' : '?';
  }
  throw ConfigError(fmt::format("{}, column {}: {}\n  {}\n  {:>{}}", text.where, column + 1, message, shown, '^',
                                column - first + 1));
}

ExpressionGraph::Node parse_expression(const FormulaText& text, const FormulaNames& names, ExpressionGraph& graph) {
  check_before_parsing(text);
  Builder builder(text, names, graph);
  const auto blanks = x3::char_(" \t");
  Iterator at = text.text.begin();
  const Iterator end = text.text.end();
  bool parsed = false;
  try {
    parsed = x3::phrase_parse(at, end, x3::with<Builder>(std::ref(builder))[expression], blanks);
  } catch (const x3::expectation_failure<Iterator>& failure) {
    const std::size_t where = builder.column(failure.where());
    const bool is_name = failure.which() == factor.name || failure.which() == close.name;
    refuse_formula(
        text, where,
        fmt::format("expected {}, found {}", is_name ? failure.which() : factor.name, found(text.text, where)));
  }
  if (!parsed) refuse_formula(text, 0, fmt::format("expected {}, found {}", factor.name, found(text.text, 0)));
  if (at != end) {
    const std::size_t where = builder.column(at);
    refuse_formula(text, where,
                   fmt::format("expected an operator (+ - * / ^) or the end, found {}", found(text.text, where)));
  }
  return builder.result();
}

}  // namespace valleydrift::manifolds

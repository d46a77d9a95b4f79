// Simplifies as it builds, differentiates by the chain rule, and lays nodes out on a tape.
#include "manifolds/formula/expression.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace valleydrift::manifolds {
namespace {

constexpr bool has_right_operand(Operation operation) {
  return operation >= Operation::add && operation <= Operation::divide;
}

/// The operation on plain numbers, by the tape itself so that a folded constant has the bits it would have had there.
double evaluate(Operation operation, double x, double y, double constant) {
  const double inputs[] = {x, y};
  double out = 0.0;
  Tape({{operation, 2, 0, 1, constant}}, {2}, 3)
      .run<double, double>(std::span<const double>(inputs), std::span<const double>(), std::span<double>(&out, 1));
  return out;
}

/// 1 / c where it is exact: c a power of two, and neither is subnormal.
std::optional<double> exact_reciprocal(double c) {
  int exponent = 0;
  if (std::abs(std::frexp(c, &exponent)) != 0.5 || std::abs(exponent) > 1000) return {};
  return 1.0 / c;
}

}  // namespace

ExpressionGraph::ExpressionGraph(std::uint32_t inputs)
    : inputs_(inputs),
      nodes_(inputs, Entry{Operation::constant, 0, 0, 0.0}) {}

ExpressionGraph::Node ExpressionGraph::make(Operation operation, Node left, Node right, double constant) {
  const auto [place, fresh] = known_.try_emplace({operation, left, right, std::bit_cast<std::uint64_t>(constant)},
                                                 static_cast<Node>(nodes_.size()));
  if (fresh) nodes_.push_back({operation, left, right, constant});
  return place->second;
}

std::optional<double> ExpressionGraph::value(Node x) const {
  if (is_input(x) || nodes_[x].operation != Operation::constant) return {};
  return nodes_[x].constant;
}

ExpressionGraph::Node ExpressionGraph::constant(double value) { return make(Operation::constant, 0, 0, value); }

ExpressionGraph::Node ExpressionGraph::add(Node x, Node y) {
  const auto a = value(x), b = value(y);
  if (a && b) return constant(*a + *b);
  if (a) return add(y, x);
  if (b) return *b == 0.0 ? x : make(Operation::add_constant, x, 0, *b);
  if (is_negation(y)) return subtract(x, nodes_[y].left);
  if (is_negation(x)) return subtract(y, nodes_[x].left);
  return make(Operation::add, std::min(x, y), std::max(x, y), 0.0);
}

ExpressionGraph::Node ExpressionGraph::subtract(Node x, Node y) {
  const auto a = value(x), b = value(y);
  if (a && b) return constant(*a - *b);
  if (b) return add(x, constant(-*b));
  if (a) return *a == 0.0 ? negate(y) : make(Operation::subtract_from_constant, y, 0, *a);
  if (x == y) return constant(0.0);
  if (is_negation(y)) return add(x, nodes_[y].left);
  return make(Operation::subtract, x, y, 0.0);
}

ExpressionGraph::Node ExpressionGraph::multiply(Node x, Node y) {
  const auto a = value(x), b = value(y);
  if (a && b) return constant(*a * *b);
  if (a) return multiply(y, x);
  if (b) {
    if (*b == 0.0) return constant(0.0);
    if (*b == 1.0) return x;
    if (*b == -1.0) return negate(x);
    return make(Operation::multiply_constant, x, 0, *b);
  }
  return make(Operation::multiply, std::min(x, y), std::max(x, y), 0.0);
}

ExpressionGraph::Node ExpressionGraph::divide(Node x, Node y) {
  const auto a = value(x), b = value(y);
  if (a && b) return constant(*a / *b);
  if (b) {
    const auto reciprocal = exact_reciprocal(*b);
    return reciprocal ? multiply(x, constant(*reciprocal)) : make(Operation::divide_by_constant, x, 0, *b);
  }
  if (a) return *a == 0.0 ? constant(0.0) : make(Operation::divide_constant, y, 0, *a);
  return make(Operation::divide, x, y, 0.0);
}

ExpressionGraph::Node ExpressionGraph::negate(Node x) {
  if (const auto a = value(x)) return constant(-*a);
  if (is_negation(x)) return nodes_[x].left;
  return make(Operation::negate, x, 0, 0.0);
}

ExpressionGraph::Node ExpressionGraph::call(Operation function, Node x) {
  if (const auto a = value(x)) return constant(evaluate(function, *a, 0.0, 0.0));
  return make(function, x, 0, 0.0);
}

ExpressionGraph::Node ExpressionGraph::whole_power(Node x, std::int64_t n) {
  if (n == 0) return constant(1.0);
  if (n < 0) return divide(constant(1.0), whole_power(x, -n));
  std::optional<Node> product;
  for (Node square = x;; square = multiply(square, square)) {
    if (n & 1) product = product ? multiply(*product, square) : square;
    n >>= 1;
    if (n == 0) return *product;
  }
}

ExpressionGraph::Node ExpressionGraph::power(Node x, Node y) {
  if (const auto exponent = value(y)) {
    if (*exponent == std::floor(*exponent) && std::abs(*exponent) <= largest_power) {
      return whole_power(x, static_cast<std::int64_t>(*exponent));
    }
    if (*exponent == 0.5) return call(Operation::sqrt, x);
  }
  return call(Operation::exp, multiply(y, call(Operation::log, x)));
}

std::vector<ExpressionGraph::Node> ExpressionGraph::pullback(const std::vector<Node>& outputs,
                                                             const std::vector<Node>& seeds, std::uint32_t variables) {
  const auto size = static_cast<Node>(nodes_.size());
  std::vector<std::optional<Node>> adjoint(size);
  const auto collect = [&](Node x, Node part) { adjoint[x] = adjoint[x] ? add(*adjoint[x], part) : part; };
  for (std::size_t a = 0; a < outputs.size(); ++a) collect(outputs[a], seeds[a]);

  for (Node n = size; n-- > inputs_;) {
    if (!adjoint[n]) continue;
    const Node bar = *adjoint[n];
    const Entry e = nodes_[n];  // a copy: nodes_ grows
    const Node x = e.left, y = e.right;
    switch (e.operation) {
      case Operation::constant:
        break;
      case Operation::add:
        collect(x, bar);
        collect(y, bar);
        break;
      case Operation::subtract:
        collect(x, bar);
        collect(y, negate(bar));
        break;
      case Operation::multiply:
        collect(x, multiply(bar, y));
        collect(y, multiply(bar, x));
        break;
      case Operation::divide: {
        const Node part = divide(bar, y);
        collect(x, part);
        collect(y, negate(multiply(part, n)));
        break;
      }
      case Operation::add_constant:
        collect(x, bar);
        break;
      case Operation::subtract_from_constant:
      case Operation::negate:
        collect(x, negate(bar));
        break;
      case Operation::multiply_constant:
        collect(x, multiply(bar, constant(e.constant)));
        break;
      case Operation::divide_by_constant:
        collect(x, divide(bar, constant(e.constant)));
        break;
      case Operation::multiply_add_constant:  // on tapes only
        break;
      case Operation::divide_constant:
        collect(x, negate(multiply(bar, divide(n, x))));
        break;
      case Operation::sqrt:
        collect(x, divide(multiply(bar, constant(0.5)), n));
        break;
      case Operation::exp:
        collect(x, multiply(bar, n));
        break;
      case Operation::log:
        collect(x, divide(bar, x));
        break;
      case Operation::sin:
        collect(x, multiply(bar, call(Operation::cos, x)));
        break;
      case Operation::cos:
        collect(x, negate(multiply(bar, call(Operation::sin, x))));
        break;
      case Operation::tan:
        collect(x, multiply(bar, add(multiply(n, n), constant(1.0))));
        break;
      case Operation::tanh:
        collect(x, multiply(bar, subtract(constant(1.0), multiply(n, n))));
        break;
      case Operation::atan:
        collect(x, divide(bar, add(multiply(x, x), constant(1.0))));
        break;
      case Operation::sinh:
        collect(x, multiply(bar, call(Operation::cosh, x)));
        break;
      case Operation::cosh:
        collect(x, multiply(bar, call(Operation::sinh, x)));
        break;
    }
  }
  std::vector<Node> gradient;
  for (Node i = 0; i < variables; ++i) gradient.push_back(adjoint[i] ? *adjoint[i] : constant(0.0));
  return gradient;
}

Tape ExpressionGraph::tape(const std::vector<Node>& outputs) const {
  constexpr Node never = std::numeric_limits<Node>::max();
  const auto size = static_cast<Node>(nodes_.size());
  std::vector<bool> needed(size, false);
  for (const Node x : outputs) needed[x] = true;
  std::vector<Node> last_use(size, 0);  // the last node that reads it
  for (Node n = size; n-- > inputs_;) {
    if (!needed[n] || nodes_[n].operation == Operation::constant) continue;
    for (const Node x : {nodes_[n].left, has_right_operand(nodes_[n].operation) ? nodes_[n].right : nodes_[n].left}) {
      needed[x] = true;
      last_use[x] = std::max(last_use[x], n);
    }
  }
  for (const Node x : outputs) last_use[x] = never;

  std::vector<std::uint32_t> place(size), free;
  for (Node i = 0; i < inputs_; ++i) {
    place[i] = i;
    if (last_use[i] == 0) free.push_back(i);
  }
  std::uint32_t places = inputs_;
  std::vector<Instruction> instructions;
  for (Node n = inputs_; n < size; ++n) {
    if (!needed[n]) continue;
    const Entry& e = nodes_[n];
    const bool one = has_right_operand(e.operation) ? false : true;
    const Node x = e.left, y = one ? e.left : e.right;
    // A product that only this sum reads is the instruction before it: one instruction for both.
    if (e.operation == Operation::add_constant && !instructions.empty() && last_use[e.left] == n &&
        instructions.back().operation == Operation::multiply && instructions.back().target == place[e.left]) {
      instructions.back().operation = Operation::multiply_add_constant;
      instructions.back().constant = e.constant;
      place[n] = place[e.left];
      continue;
    }
    Instruction i{e.operation, 0, 0, 0, e.constant};
    if (e.operation != Operation::constant) {
      i.left = place[x];
      i.right = place[y];
      if (last_use[x] == n) free.push_back(place[x]);
      if (y != x && last_use[y] == n) free.push_back(place[y]);
    }
    if (free.empty()) free.push_back(places++);
    i.target = place[n] = free.back();
    free.pop_back();
    instructions.push_back(i);
  }
  std::vector<std::uint32_t> at;
  for (const Node x : outputs) at.push_back(place[x]);
  return {std::move(instructions), std::move(at), places};
}

}  // namespace valleydrift::manifolds

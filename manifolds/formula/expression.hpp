// Expressions as a graph in which equal parts stand once; their derivatives; their tapes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "manifolds/formula/tape.hpp"

namespace valleydrift::manifolds {

/// Builds expressions of inputs 0, 1, ... from below: constants are folded, equal expressions are the same node, and
/// nothing is computed twice on a tape.
class ExpressionGraph {
 public:
  using Node = std::uint32_t;  ///< operands have lower numbers than what is made of them

  explicit ExpressionGraph(std::uint32_t inputs);

  Node input(std::uint32_t i) const { return i; }
  Node constant(double value);
  Node add(Node x, Node y);
  Node subtract(Node x, Node y);
  Node multiply(Node x, Node y);
  Node divide(Node x, Node y);
  Node negate(Node x);
  /// One of sqrt ... cosh.
  Node call(Operation function, Node x);
  /// x^y. For a constant whole y up to `largest_power` in size by repeated multiplication, for y = 1/2 by sqrt, else
  /// exp(y log x), which asks for x > 0.
  Node power(Node x, Node y);
  static constexpr double largest_power = 1e9;

  /// The value of a node without inputs.
  std::optional<double> value(Node x) const;
  std::size_t size() const { return nodes_.size(); }

  /// sum_a seed_a d output_a / d input_i for the first `variables` inputs (reverse mode).
  std::vector<Node> pullback(const std::vector<Node>& outputs, const std::vector<Node>& seeds, std::uint32_t variables);

  /// A tape of all inputs; working memory is used again as soon as it is free.
  Tape tape(const std::vector<Node>& outputs) const;

 private:
  struct Entry {
    Operation operation;
    Node left, right;
    double constant;
  };
  bool is_input(Node x) const { return x < inputs_; }
  bool is_negation(Node x) const { return !is_input(x) && nodes_[x].operation == Operation::negate; }
  Node make(Operation operation, Node left, Node right, double constant);
  Node whole_power(Node x, std::int64_t n);

  std::uint32_t inputs_;
  std::vector<Entry> nodes_;
  std::map<std::tuple<Operation, Node, Node, std::uint64_t>, Node> known_;
};

}  // namespace valleydrift::manifolds

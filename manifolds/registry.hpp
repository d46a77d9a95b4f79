// The list of manifolds. One line here, and one file for the model, add a manifold everywhere: to the command line,
// the listing, the law tests and the checks.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "manifolds/channel.hpp"
#include "manifolds/ellipse.hpp"
#include "manifolds/loss.hpp"
#include "manifolds/quadratic_pair.hpp"
#include "manifolds/sphere.hpp"
#include "manifolds/torus.hpp"
#include "manifolds/uv.hpp"
#include "manifolds/vector_uv.hpp"

namespace valleydrift::manifolds {

using AnyLoss = std::variant<LeastSquares<Uv>,             //
                             LeastSquares<VectorUv>,       //
                             LeastSquares<Channel>,        //
                             LeastSquares<Ellipse>,        //
                             LeastSquares<Sphere>,         //
                             LeastSquares<Torus>,          //
                             LeastSquares<QuadraticPair>,  //
                             CoshPair>;

/// The descriptions in the order of the list above.
std::vector<ManifoldDescription> descriptions();
/// Description by name. Throws ConfigError with the nearest name if there is none.
ManifoldDescription description_of(const std::string& name);

/// Parameters as given by the user ("a" -> "1.5", "profile" -> "exp"), checked against the description, defaults
/// filled in. Throws ConfigError naming the parameter, the value and what is allowed.
ParameterValues resolve_parameters(const ManifoldDescription& description,
                                   const std::map<std::string, std::string>& given);
/// A parameter's value as the user writes it.
std::string format_parameter(const ParameterInfo& info, double value);

/// The loss by name. Throws ConfigError for an unknown name or parameters out of range.
AnyLoss make_loss(const std::string& name, const ParameterValues& parameters);

/// The candidate with the smallest edit distance to `given`, empty if none is near (more than half its letters differ).
std::string nearest_name(const std::string& given, const std::vector<std::string>& candidates);
/// A number written in full: no nan, inf or trailing characters. Throws ConfigError with `option`.
double parse_number(const std::string& option, const std::string& text);

}  // namespace valleydrift::manifolds

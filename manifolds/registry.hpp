// The list of manifolds. One line here, and one file for the model, add a manifold everywhere: to the command line,
// the listing, the law tests and the checks. A model may stand here more than once, with its sizes known to the
// compiler before the one whose sizes are not: the first that serves the parameters is taken.
#pragma once

#include <string>
#include <variant>

#include "manifolds/catalogue.hpp"
#include "manifolds/formula/formula_model.hpp"
#include "manifolds/loss.hpp"
#include "manifolds/models/channel.hpp"
#include "manifolds/models/ellipse.hpp"
#include "manifolds/models/linear_network.hpp"
#include "manifolds/models/matrix_sensing.hpp"
#include "manifolds/models/quadratic_pair.hpp"
#include "manifolds/models/sphere.hpp"
#include "manifolds/models/teacher_student.hpp"
#include "manifolds/models/torus.hpp"
#include "manifolds/models/uv.hpp"
#include "manifolds/models/vector_uv.hpp"

namespace valleydrift::manifolds {

/// The models of least squares: each(Model) one by one.
// clang-format off
#define VALLEYDRIFT_MODELS(each) \
  each(Uv)                       \
  each(VectorUv)                 \
  each(Channel)                  \
  each(Ellipse)                  \
  each(SphereInSpace)            \
  each(Sphere)                   \
  each(Torus)                    \
  each(QuadraticPair)            \
  each(LinearNetwork)            \
  each(MatrixSensing)            \
  each(TeacherStudent)           \
  each(FormulaModel) /* not in the listing: what a user types */
// clang-format on

#define VALLEYDRIFT_LOSS(Model) LeastSquares<Model>,
using AnyLoss = std::variant<VALLEYDRIFT_MODELS(VALLEYDRIFT_LOSS)  //
                             CoshPair>;
#undef VALLEYDRIFT_LOSS

/// A variant of a name of its own, so that headers can mention it without knowing every model.
struct RegisteredLoss {
  AnyLoss loss;
};

/// The loss by name. Throws ConfigError for an unknown name or parameters out of range.
RegisteredLoss make_loss(const std::string& name, const ParameterValues& parameters);
/// The loss described, which may be typed.
RegisteredLoss make_loss(const ManifoldDescription& description, const ParameterValues& parameters);

}  // namespace valleydrift::manifolds

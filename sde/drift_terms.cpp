// One point handed to the model's field, and the terms taken out of it.
#include "sde/drift_terms.hpp"

#include "sde/field.hpp"

namespace valleydrift::sde {

DriftTerms drift_terms(const Manifold& manifold, const Geometry& geometry, const NoiseFactor& noise,
                       const LyapunovOperator& form) {
  if (!manifold.is_least_squares()) {
    const Coefficients c = theorem(manifold, geometry, noise.dense(), form);
    return {c.curvature, c.mixed, c.transverse, c.diffusion.squaredNorm()};
  }
  const Vector& y = geometry.point;
  DriftTerms terms{Vector(y.size()), Vector(y.size()), Vector(y.size()),
                   noise.is_isotropic() ? static_cast<double>(manifold.valley_dimension())
                                        : geometry.longitudinal(noise.matrix()).squaredNorm()};
  const auto view = [](auto& v) { return std::span(v.data(), static_cast<std::size_t>(v.size())); };
  make_field<double>(manifold, form, noise)
      ->drift_terms(view(y), view(terms.curvature), view(terms.mixed), view(terms.transverse));
  return terms;
}

}  // namespace valleydrift::sde

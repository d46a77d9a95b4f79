// One point handed to the model's field, and the terms taken out of it.
#include "sde/limit_terms.hpp"

#include "manifolds/registry.hpp"
#include "sde/limit_fields.hpp"

namespace valleydrift::sde {

LimitTerms limit_terms(const Manifold& manifold, const Geometry& geometry, const NoiseFactor& noise,
                       const LimitForm& form) {
  const Vector& y = geometry.point;
  return std::visit(
      [&]<class Loss>(const Loss& loss) -> LimitTerms {
        if constexpr (manifolds::is_least_squares<Loss>) {
          LimitTerms terms{Vector(y.size()), Vector(y.size()), Vector(y.size()),
                           noise.is_isotropic() ? static_cast<double>(manifold.valley_dimension())
                                                : geometry.longitudinal(noise.matrix()).squaredNorm()};
          const auto view = [](auto& v) { return std::span(v.data(), static_cast<std::size_t>(v.size())); };
          LimitField<double, typename Loss::model_type>(loss.model(), form, noise)
              .drift_terms(view(y), view(terms.curvature), view(terms.mixed), view(terms.transverse));
          return terms;
        } else {
          const LimitCoefficients c = limit_coefficients(manifold, geometry, noise.dense(), form);
          return {c.curvature, c.mixed, c.transverse, c.diffusion.squaredNorm()};
        }
      },
      manifold.registered().loss);
}

}  // namespace valleydrift::sde

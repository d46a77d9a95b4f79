// The drift that label noise gives, in the inner loop.
#pragma once

#include "sde/field.hpp"
#include "sde/kernel/field_kernel.hpp"

namespace valleydrift::sde {

/// DERIVATION (24b), by linear systems of size m alone.
template <class T, class Model>
class LabelNoiseDrift final : public OnModel<LabelDrift<T>, T, FieldKernel<T, Model>> {
 public:
  using OnModel<LabelDrift<T>, T, FieldKernel<T, Model>>::OnModel;
  void increment(std::span<const T> y, const T& h, std::span<T> out) override {
    auto&& x = this->workspace_.local();
    this->linearise(this->sized(y), x);
    this->respond(this->operator_.label_response(), x);
    this->transverse_drift(this->sized(y), this->model_.weight() * this->model_.weight(), x);  // s c, c = s
    this->factor_gram(x);
    this->project_by_gram(x.second.data(), x);
    for (int k = 0; k < this->columns(); ++k) out[static_cast<std::size_t>(k)] = -(h * x.second[k]);
  }
};

}  // namespace valleydrift::sde

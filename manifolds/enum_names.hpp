// The names of an enumeration: one table each, from which what is printed, parsed, refused and helped with is made.
#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>

namespace valleydrift::manifolds {

/// A value, its name in options and results, and where it is an option's a few words on what it means.
template <class E>
struct Named {
  E value;
  std::string_view name;
  std::string_view meaning = {};
};

/// An enumeration whose namespace has the table `names_of`, in the order of its values.
template <class E>
concept HasNames = requires(E value) {
  { names_of(value) } -> std::convertible_to<std::span<const Named<E>>>;
};

template <HasNames E>
std::string name_of(E value) {
  for (const Named<E>& entry : names_of(value)) {
    if (entry.value == value) return std::string(entry.name);
  }
  return {};
}

}  // namespace valleydrift::manifolds

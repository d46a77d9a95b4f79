// Elementary functions of a double that give the same bits on every x86-64 processor.
#pragma once

namespace valleydrift::manifolds {

// The C library chooses between versions with and without fused multiplication when the program starts, by the
// processor, and they differ in last digits. What leads to a result therefore calls these, SLEEF's plain C versions
// (error at most 1 ulp; hypot 0.5), or the polynomials of lane_math.hpp, which serve double and Lanes alike.
double atan2(double y, double x);
double cbrt(double x);
double hypot(double x, double y);
double log1p(double x);
double log10(double x);
double pow(double x, double y);

}  // namespace valleydrift::manifolds

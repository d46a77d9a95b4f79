// atan2, cbrt, hypot, log1p, log10 and pow by SLEEF, in its scalar versions without FMA.
#include "manifolds/numbers/portable_math.hpp"

#include <sleef.h>

namespace valleydrift::manifolds {

double atan2(double y, double x) { return Sleef_atan2d1_u10purec(y, x); }
double cbrt(double x) { return Sleef_cbrtd1_u10purec(x); }
double hypot(double x, double y) { return Sleef_hypotd1_u05purec(x, y); }
double log1p(double x) { return Sleef_log1pd1_u10purec(x); }
double log10(double x) { return Sleef_log10d1_u10purec(x); }
double pow(double x, double y) { return Sleef_powd1_u10purec(x, y); }

}  // namespace valleydrift::manifolds

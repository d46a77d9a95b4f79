// A user's program: it needs the installed package's headers.
#include <cstdio>

#include "manifolds/numbers/lanes.hpp"

int main() { std::printf("lanes per register: %d\n", valleydrift::manifolds::lane_count); }

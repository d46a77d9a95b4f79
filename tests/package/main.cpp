#include <cstdio>

#include "manifolds/lanes.hpp"

int main() { std::printf("lanes per register: %d\n", valleydrift::manifolds::lane_count); }

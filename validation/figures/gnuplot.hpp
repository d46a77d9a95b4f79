// gnuplot as a child process.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "validation/figures/figure.hpp"

namespace valleydrift::figures {

/// Seconds that one figure may take: a hundred times what the slowest does, for a machine that is busy or slow.
inline constexpr double most_seconds_per_figure = 300.0;

/// Writes NAME.dat and NAME.gnuplot of every figure into `folder`, then draws NAME.svg and NAME.png of each; every file
/// is complete before it takes its name. Returns these names. Throws FileError with gnuplot's own words if it is absent
/// or fails or takes longer than `limit` seconds for a figure, or if a picture is missing or cut short: gnuplot returns
/// 0 on a full device, so the end of every picture is read. What is left then is complete: scripts and data, from which
/// `gnuplot NAME.gnuplot` draws, and the pictures drawn before. Throws Interrupted, gnuplot having been stopped, if a
/// signal arrives.
std::vector<std::string> draw(const std::filesystem::path& folder, const std::vector<Figure>& figures,
                              double limit = most_seconds_per_figure);

}  // namespace valleydrift::figures

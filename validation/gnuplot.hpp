// gnuplot as a child process.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "validation/figure.hpp"

namespace valleydrift::validation {

/// Writes NAME.dat and NAME.gnuplot of every figure into `folder`, then draws NAME.svg and NAME.png of each; every file
/// is complete before it takes its name. Returns these names. Throws FileError with gnuplot's own words if it is absent
/// or fails, or if a picture is missing or cut short: gnuplot returns 0 on a full device, so the end of every picture
/// is read. What is left then is complete: scripts and data, from which `gnuplot NAME.gnuplot` draws, and the pictures
/// drawn before.
std::vector<std::string> draw(const std::filesystem::path& folder, const std::vector<Figure>& figures);

}  // namespace valleydrift::validation

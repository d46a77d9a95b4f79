// The pictures of a comparison, drawn by gnuplot as a child process.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "validation/compare/comparison.hpp"
#include "validation/output/output_folder.hpp"

namespace valleydrift::figures {

/// Draws valley, trace-hessian, slow-coordinates, covariance (if observed), transverse, descent (with a first
/// phase) and ladder into `folder` as .svg
/// and .png, and leaves each script (.gnuplot) and its data (.dat) beside them: `gnuplot NAME.gnuplot` draws it again.
/// Returns the names of the pictures. Throws FileError naming gnuplot or the file if gnuplot is absent or fails, or if
/// a picture is missing or cut short: gnuplot returns 0 on a full device, so the end of every picture is read.
std::vector<std::string> draw_plots(const std::filesystem::path& folder, const compare::Comparison& comparison);

/// Draws the plots, after write_data. Throws FileError: `data complete, plots failed` and why.
void write_plots(output::OutputFolder& folder, const compare::Comparison& comparison);

}  // namespace valleydrift::figures

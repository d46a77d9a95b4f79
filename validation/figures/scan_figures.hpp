// The pictures of a scan.
#pragma once

#include "validation/output/output_folder.hpp"
#include "validation/scan/scan.hpp"

namespace valleydrift::figures {

/// Draws into `folder`/plots, after the data: times (T against eta for each gamma, fitted and predicted), exponents
/// (alpha against gamma beside the V), scales (tau_1 and tau_2 against gamma), prefactor (T and decay rates against C)
/// and trajectories (loss, tr H and slow coordinate below, at and above gamma = 2/3); those that the scan has data for.
/// Throws FileError: `data complete, plots failed` and why.
void write_scan_plots(output::OutputFolder& folder, const scan::ResolvedScan& scan, const scan::ScanResult& result);

}  // namespace valleydrift::figures

// Text inside gnuplot: formulas, escapes, numbers.
#pragma once

#include <string>

namespace valleydrift::figures {

/// A string for gnuplot, between single quotes.
std::string quoted(const std::string& text);
/// Text that gnuplot's enhanced mode shows as it is.
std::string plain(const std::string& text);
/// A name or sentence with its formulas set: x1 and x_1 with a subscript, minus signs, centred dots, Greek letters.
std::string formula(const std::string& text);
/// The same, but as it is if its names are `typed` by the user.
std::string formula(const std::string& text, bool typed);
/// The observable `name` as an axis label, with its unit if it has one; names of `typed` valleys as they are.
std::string axis_label(const std::string& name, bool typed);
/// Seven digits, or NaN.
std::string number(double value);
/// 1, 2 or 5 times a power of ten as a label of a logarithmic axis.
std::string decade_label(int digit, int exponent);

}  // namespace valleydrift::figures

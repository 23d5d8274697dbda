// The plots of a report's page. Pure.
#pragma once

#include <string>

#include "common/html/html.h"

namespace interceptor::worker {

// `curves` and `reference` are curves of a report (worker/integrate/score_curves.h); the reference, drawn beneath, may be null.
std::string RocPlot(const ReportField& curves, const ReportField& reference);

// The share of fakes over the mean P(fake) of each bin that has clips, beneath it how many clips each bin has.
std::string ReliabilityPlot(const ReportField& curves);

// Shares of the class in each bin of log10 of the likelihood ratio: fakes upwards, reals downwards.
std::string HistogramPlot(const ReportField& curves);

// An interval around 0 on an axis from -`limit` to `limit`, for a cell of a table.
std::string IntervalPlot(const ReportField& interval, double limit);

}  // namespace interceptor::worker

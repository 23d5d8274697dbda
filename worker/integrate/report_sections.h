// The sections of a report's page, as HTML. `report` is the whole of it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/html/html.h"

namespace interceptor::worker {

std::string FigureTable(const ReportField& report);
std::string RocSection(const ReportField& report);
std::string ReliabilitySection(const ReportField& report);
std::string HistogramSection(const ReportField& report);
std::string SliceSection(const ReportField& report);
std::string BiasSection(const ReportField& report);
std::string FusionSection(const ReportField& report);
std::string LeftOutSection(const ReportField& report);

// "BG 2, AV 3" of a count of the calibrated bias, of those where it is not 0.
std::string BiasCounts(const ReportField& specialists, std::string_view count);

}  // namespace interceptor::worker

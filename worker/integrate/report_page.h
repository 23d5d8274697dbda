// The page of a report (worker/integrate/report.h): one HTML file that needs nothing else. Pure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace interceptor::worker {

// The same report always gives the same bytes. REQUIRES: MakeReport made it.
std::string ReportPage(const nlohmann::json& report);

}  // namespace interceptor::worker

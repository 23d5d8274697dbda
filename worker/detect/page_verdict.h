// The head of the evidence page: verdict, warnings, figures. Pure.
#pragma once

#include <string>

#include "common/html/html.h"

namespace interceptor::worker {

std::string VerdictSection(const ReportField& judged);

}  // namespace interceptor::worker

// The head of the evidence page: verdict, warnings, figures. Pure.
#pragma once

#include <string>

#include "worker/integrate/html.h"

namespace interceptor::worker {

std::string VerdictSection(const ReportField& judged);

}  // namespace interceptor::worker

// Drawings of the evidence page. `judged`: the root that page.h describes. Pure.
#pragma once

#include <string>

#include "common/html/html.h"

namespace interceptor::worker {

// The likelihood ratio with its interval between what it can be at most, and where REAL ends and FAKE begins.
std::string RatioDrawing(const ReportField& judged);

// What the time axis of every timeline ends at.
double LastSecond(const ReportField& judged);
// What the axis of logits of every timeline ends at, both ways.
double LargestLogit(const ReportField& judged);
// The moments of one specialist; frames without a face are ticks at the bottom.
std::string Timeline(const ReportField& judged, const ReportField& specialist);

// The box of the face in the picture, frame by frame, and the way of its middle.
std::string FaceTrackDrawing(const ReportField& judged);

}  // namespace interceptor::worker

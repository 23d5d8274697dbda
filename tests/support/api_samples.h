// Tests only: clusters as a coordinator would describe them, at one fixed moment, and golden files to hold
// what is made of them.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "coordinator/cli/list_views.h"
#include "interceptor/v1/cluster_service.pb.h"

namespace interceptor::coordinator {

// 2026-01-02 03:04:05 UTC.
absl::Time SampleNow();

// No worker has ever connected.
v1::GetStatusResponse EmptyStatus();
// Three of ten chunks done, everybody at work.
v1::GetStatusResponse RunningStatus();
// A worker gone, one run paused, a save overdue, listening to the world.
v1::GetStatusResponse DegradedStatus();
v1::GetStatusResponse DoneStatus();
// Every string tries to take over the terminal.
v1::GetStatusResponse HostileStatus();

v1::ListChunksResponse SampleChunks();
v1::ListCheckpointsResponse SampleCheckpoints();
v1::ListEventsResponse SampleEvents();
v1::ListEvaluationsResponse SampleEvaluations();
v1::DescribeWorkerResponse SampleWorker();

std::string Joined(const Lines& lines);

// Empty when `text` is what tests/golden/cli/<file> holds, else what differs first. With
// INTERCEPTOR_UPDATE_GOLDEN set in the environment the file is written instead.
std::string GoldenDifference(const std::string& file, const std::string& text);

}  // namespace interceptor::coordinator

// What people see, held by golden files: tests/golden/cli/*.txt.
#include <algorithm>

#include "coordinator/cli/bias_view.h"
#include "coordinator/cli/changes.h"
#include "coordinator/cli/list_views.h"
#include "coordinator/cli/status_view.h"
#include "tests/support/api_bias_samples.h"
#include "tests/support/api_samples.h"
#include "tests/support/catch.h"

namespace interceptor::coordinator {
namespace {

constexpr Terminal kUtf8 = {.encoding = Encoding::kUtf8};

std::string Status(const v1::GetStatusResponse& status, const Terminal& terminal) {
  return Joined(RenderStatus(status, kDefaultAddress, terminal));
}

int Widest(const Lines& lines) {
  int widest = 0;
  for (const std::string& line : lines) widest = std::max(widest, ColumnsOf(line));
  return widest;
}

CATCH_TEST_CASE("Status looks as its golden files in every state") {
  CATCH_CHECK(GoldenDifference("status_empty.txt", Status(EmptyStatus(), kUtf8)) == "");
  CATCH_CHECK(GoldenDifference("status_running.txt", Status(RunningStatus(), kUtf8)) == "");
  CATCH_CHECK(GoldenDifference("status_running_ascii.txt", Status(RunningStatus(), {})) == "");
  CATCH_CHECK(GoldenDifference("status_running_wide.txt",
                               Status(RunningStatus(), {.encoding = Encoding::kUtf8, .columns = 120})) == "");
  CATCH_CHECK(GoldenDifference("status_degraded.txt", Status(DegradedStatus(), kUtf8)) == "");
  CATCH_CHECK(GoldenDifference("status_degraded_colour.txt",
                               Status(DegradedStatus(), {.colour = true, .encoding = Encoding::kUtf8})) ==
              "");
  CATCH_CHECK(GoldenDifference("status_done.txt", Status(DoneStatus(), kUtf8)) == "");
  CATCH_CHECK(GoldenDifference("status_hostile.txt", Status(HostileStatus(), kUtf8)) == "");
}

CATCH_TEST_CASE("Status fits one screen of 80 columns, whatever the cluster says") {
  for (const v1::GetStatusResponse& status : {v1::GetStatusResponse(), EmptyStatus(), RunningStatus(),
                                              DegradedStatus(), DoneStatus(), HostileStatus()}) {
    for (const Encoding encoding : {Encoding::kUtf8, Encoding::kAscii}) {
      const Lines lines = RenderStatus(status, kDefaultAddress, {.encoding = encoding});
      CATCH_CHECK(Widest(lines) <= 80);
      for (const std::string& line : lines) {
        const bool visible =
            std::all_of(line.begin(), line.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
        CATCH_CHECK(visible);
        CATCH_CHECK((line.empty() || line.back() != ' '));
      }
    }
  }
  CATCH_CHECK(RenderStatus(RunningStatus(), kDefaultAddress, kUtf8).size() <= 24);
  const Terminal small = {.interactive = true, .encoding = Encoding::kUtf8};
  const Lines compact = RenderStatus(DegradedStatus(), kDefaultAddress, small);
  CATCH_CHECK(compact.size() < 24);
  CATCH_CHECK(GoldenDifference("status_degraded_compact.txt", Joined(compact)) == "");
}

CATCH_TEST_CASE("An empty answer shows no number that nobody measured") {
  v1::GetStatusResponse status = EmptyStatus();
  const std::string text = Status(status, kUtf8);
  CATCH_CHECK(text.find("0.000") == std::string::npos);
  CATCH_CHECK(text.find(" nan") == std::string::npos);
  CATCH_CHECK(text.find("INSECURE") == std::string::npos);
  status.set_insecure(true);
  CATCH_CHECK(Status(status, kUtf8).find("INSECURE") != std::string::npos);
}

CATCH_TEST_CASE("Status proposes the command that repairs what is wrong") {
  v1::GetStatusResponse status = DegradedStatus();
  const std::string elsewhere = Joined(RenderStatus(status, "head:50051", kUtf8));
  CATCH_CHECK(elsewhere.find("interceptor-worker --coordinator head:50051 --member bert") !=
              std::string::npos);
  // A name that is no plain name is never part of a line to paste.
  status.mutable_workers(1)->set_member("$(reboot)");
  CATCH_CHECK(Joined(RenderStatus(status, "head:50051", kUtf8)).find("--member NAME") != std::string::npos);
  status.set_paused(true);
  CATCH_CHECK(Status(status, kUtf8).find("interceptor resume") != std::string::npos);
}

CATCH_TEST_CASE("Lists look as their golden files") {
  CATCH_CHECK(GoldenDifference("chunks.txt", Joined(RenderChunks(SampleChunks(), kUtf8))) == "");
  CATCH_CHECK(GoldenDifference("checkpoints.txt",
                               Joined(RenderCheckpoints(SampleCheckpoints(), SampleNow(), kUtf8))) == "");
  CATCH_CHECK(GoldenDifference("events.txt", Joined(RenderEvents(SampleEvents(), kUtf8))) == "");
  CATCH_CHECK(GoldenDifference("evaluations.txt",
                               Joined(RenderEvaluations(SampleEvaluations(), SampleNow(), kUtf8))) == "");
  CATCH_CHECK(GoldenDifference("bias.txt", Joined(RenderBias(SampleBias(), kUtf8))) == "");
}

CATCH_TEST_CASE("On a terminal lists keep to its width, elsewhere nothing is cut") {
  v1::ListEventsResponse events = SampleEvents();
  events.mutable_events(0)->set_text(std::string(500, 'x'));
  const Terminal terminal = {.interactive = true, .encoding = Encoding::kUtf8};
  CATCH_CHECK(Widest(RenderEvents(events, terminal)) == 80);
  CATCH_CHECK(GoldenDifference("events_terminal.txt", Joined(RenderEvents(SampleEvents(), terminal))) == "");
  CATCH_CHECK(Joined(RenderEvents(events, kUtf8)).find(std::string(500, 'x')) != std::string::npos);
  CATCH_CHECK(Widest(RenderChunks(SampleChunks(), terminal)) <= 80);
  CATCH_CHECK(Widest(RenderCheckpoints(SampleCheckpoints(), SampleNow(), terminal)) <= 80);
  CATCH_CHECK(Widest(RenderEvaluations(SampleEvaluations(), SampleNow(), terminal)) <= 80);
  CATCH_CHECK(Widest(RenderBias(SampleBias(), terminal)) <= 80);
}

CATCH_TEST_CASE("Descriptions look as their golden files") {
  CATCH_CHECK(GoldenDifference("describe_member.txt", Joined(RenderWorker(SampleWorker(), kUtf8))) == "");
  SpecialistDescription bg;
  bg.task = DegradedStatus().tasks(0);
  bg.checkpoints = SampleCheckpoints();
  bg.evaluations = SampleEvaluations();
  bg.recent_events = SampleEvents();
  CATCH_CHECK(GoldenDifference("describe_specialist.txt", Joined(RenderSpecialist(bg, SampleNow(), kUtf8))) ==
              "");
  *bg.task.mutable_newest_held_out() = SampleBias().evaluations(1);
  CATCH_CHECK(Joined(RenderSpecialist(bg, SampleNow(), kUtf8))
                  .find("in alarm          brightness dark: reals called fake 0.38") != std::string::npos);
  CATCH_CHECK(GoldenDifference("describe_chunk.txt", Joined(RenderChunk(SampleChunks().chunks(0), kUtf8))) ==
              "");
  CATCH_CHECK(Joined(RenderChunk(SampleChunks().chunks(2), kUtf8)).find("not committed yet") !=
              std::string::npos);
}

CATCH_TEST_CASE("Changes are told once, and movement inside a chunk is none") {
  const v1::GetStatusResponse before = RunningStatus();
  v1::GetStatusResponse moved = before;
  moved.mutable_tasks(0)->set_step(3300);
  moved.mutable_tasks(0)->set_loss(0.25);
  moved.mutable_tasks(0)->set_samples_per_second(1);
  CATCH_CHECK(DescribeChanges(before, moved, kUtf8).empty());

  v1::GetStatusResponse after = DegradedStatus();
  after.mutable_tasks(1)->set_chunks_finished(4);
  after.mutable_tasks(1)->mutable_newest_checkpoint()->set_id("AV-000000004000");
  after.mutable_tasks(1)->mutable_newest_held_out()->set_step(4000);
  after.set_paused(true);
  CATCH_CHECK(GoldenDifference("changes.txt", Joined(DescribeChanges(before, after, kUtf8)) +
                                                  Joined(DescribeChanges(after, DoneStatus(), kUtf8))) == "");
}

CATCH_TEST_CASE("A problem that only counts on is not told again") {
  v1::GetStatusResponse before = RunningStatus();
  before.add_problems("worker bert was last heard 5m ago");
  v1::GetStatusResponse after = before;
  after.set_problems(0, "worker bert was last heard 6m ago");
  CATCH_CHECK(DescribeChanges(before, after, kUtf8).empty());
  after.add_problems("worker bert was last heard 1m ago");
  CATCH_CHECK(DescribeChanges(before, after, kUtf8).size() == 1);
}

}  // namespace
}  // namespace interceptor::coordinator

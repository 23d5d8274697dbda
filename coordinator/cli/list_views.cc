#include "coordinator/cli/list_views.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/facts/evaluation.h"
#include "common/facts/task.h"
#include "common/text/text.h"
#include "common/wire/convert.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/sheet.h"
#include "coordinator/cli/status_view.h"

namespace interceptor::coordinator {
namespace {

constexpr size_t kDigestShown = 12;

std::string OrNothing(std::string text) { return text.empty() ? kNothing : std::move(text); }

std::string ShortDigest(const std::string& sha256, Encoding encoding) {
  return OrNothing(Clean(sha256.substr(0, kDigestShown), encoding));
}

std::string AgeOf(const google::protobuf::Timestamp& when, absl::Time now) {
  return when.seconds() == 0 ? kNothing : Age(now - FromProto(when));
}

std::string Join(const google::protobuf::RepeatedPtrField<std::string>& names, Encoding encoding) {
  std::string joined;
  for (const std::string& name : names) joined += Cat(joined.empty() ? "" : " ", Clean(name, encoding));
  return OrNothing(joined);
}

std::string KindName(const std::string& kind, Encoding encoding) {
  if (kind == "held_out") return "held-out";
  if (kind == "look_ahead") return "look-ahead";
  return OrNothing(Clean(kind, encoding));
}

std::string MeasuredOn(int clips, double value) { return clips > 0 ? Fixed(value, 3) : kNothing; }

void AddTask(const v1::TaskStatus& task, const Terminal& terminal, Sheet& sheet) {
  const auto clean = [&](const std::string& wire) { return Clean(wire, terminal.encoding); };
  const std::string phase = PhaseName(task.phase());
  const bool running = task.state() == v1::TaskStatus::STATE_RUNNING;
  sheet.Field("state", running && !phase.empty() ? phase : Activity(task), ActivityTone(task));
  if (task.reason() != phase) sheet.Field("reason", clean(task.reason()));
  sheet.Field("home member", clean(task.home_member()));
  if (!task.holder_member().empty()) {
    sheet.Field("held by", Cat(clean(task.holder_member()), ", box ", OrNothing(clean(task.holder_box())),
                               ", term ", task.term()));
  }
  if (running && task.has_lease_left()) sheet.Field("lease left", Age(FromProto(task.lease_left())));
  if (running && task.has_since_progress()) {
    sheet.Field("last progress", Cat(Age(FromProto(task.since_progress())), " ago"));
  }
  if (task.chunks_total() > 0) {
    sheet.Field("chunks done", Cat(task.chunks_finished(), " of ", task.chunks_total(), "  ",
                                   Bar(task.chunks_finished(), task.chunks_total(), 10, terminal.encoding)));
  }
  if (task.has_cursor()) {
    const v1::Cursor& cursor = task.cursor();
    sheet.Field("cursor", Cat("chunk index ", cursor.chunk(), ", epoch ", cursor.epoch(), ", batch ",
                              cursor.position(), ", seed ", cursor.seed()));
  }
  if (task.step() > 0) {
    sheet.Field("step", task.chunk_steps() > 0 ? Cat(task.step(), " (", task.chunk_steps(), " in this chunk)")
                                               : Cat(task.step()));
  }
  sheet.Field("training loss", Measured(task.loss(), 4));
  sheet.Field("gradient norm", Measured(task.gradient_norm(), 4));
  if (running && task.phase() == v1::PHASE_TRAINING && task.samples_per_second() > 0) {
    sheet.Field("speed", Cat(Rate(task.samples_per_second()), " clips/s, ",
                             Fixed(100 * task.data_wait_share(), 0), " % of the time waiting for data"));
  }
  if (task.training_seconds() > 0) sheet.Field("training time", Age(absl::Seconds(task.training_seconds())));
  if (task.has_newest_held_out()) {
    sheet.Field("held-out AUC", AucWithInterval(task.newest_held_out()));
    const Evaluation held_out = FromProto(task.newest_held_out()).value_or(Evaluation());
    if (held_out.bias) sheet.Field("in alarm", clean(DescribeAlarms(held_out.bias->after)), Tone::kBad);
  }
  if (task.has_newest_validation()) {
    const Evaluation validation = FromProto(task.newest_validation()).value_or(Evaluation());
    sheet.Field("validation", Cat("step ", validation.step, ", ", DescribeValidation(validation)),
                ShowsOverfitting(validation) ? Tone::kBad : Tone::kPlain);
  }
  if (task.has_newest_checkpoint()) sheet.Field("newest checkpoint", clean(task.newest_checkpoint().id()));
  if (task.checkpoint_overdue())
    sheet.Field("overdue", "a checkpoint should have been published by now", Tone::kBad);
}

void AddEvents(const google::protobuf::RepeatedPtrField<v1::Event>& events, const Terminal& terminal,
               Sheet& sheet) {
  if (events.empty()) return;
  v1::ListEventsResponse list;
  *list.mutable_events() = events;
  sheet.Title("RECENT EVENTS");
  sheet.Rows(RenderEvents(list, Inside(terminal)));
}

Tone ToneOf(bool needs_action) { return needs_action ? Tone::kBad : Tone::kWarning; }

// ", 0.31 of the zip"; nothing while the zip's size is not known.
std::string OfZip(int64_t bytes, int64_t zip_bytes) {
  if (zip_bytes <= 0) return "";
  return Cat(", ", Fixed(static_cast<double>(bytes) / static_cast<double>(zip_bytes), 2), " of the zip");
}

}  // namespace

Lines RenderChunks(const v1::ListChunksResponse& list, const Terminal& terminal) {
  Sheet problems(terminal);
  Table table;
  for (const v1::ChunkStatus& chunk : list.chunks()) {
    const v1::DataManifest& manifest = chunk.manifest();
    std::string members = Join(chunk.members(), terminal.encoding);
    const bool differs = !chunk.differing_members().empty();
    if (differs) members += Cat(", other bytes: ", Join(chunk.differing_members(), terminal.encoding));
    for (const v1::ChunkProblem& problem : chunk.problems()) {
      problems.Field(
          Cat(Clean(chunk.chunk(), terminal.encoding), " on ", Clean(problem.member(), terminal.encoding)),
          Clean(problem.text(), terminal.encoding), ToneOf(problem.needs_action()));
    }
    const std::string quarantined = chunk.has_manifest() ? Cat(manifest.quarantined()) : kNothing;
    const Tone caution = manifest.quarantined() > 0 ? Tone::kWarning : Tone::kPlain;
    table.Add({{{{"CHUNK"}, Align::kLeft, 5}, {Clean(chunk.chunk(), terminal.encoding), Tone::kStrong}},
               {{{"SIZE"}, Align::kRight}, {Bytes(chunk.size_bytes())}},
               {{{"SHA256"}}, {ShortDigest(chunk.sha256(), terminal.encoding)}},
               {{{"CLIPS"}, Align::kRight}, {Count(manifest.clips())}},
               {{{"FAMILIES"}, Align::kRight}, {Count(manifest.families())}},
               {{{"QUARANTINED"}, Align::kRight}, {quarantined, caution}},
               {{{"HELD BY"}, Align::kLeft, 8}, {members, differs ? Tone::kBad : Tone::kPlain}},
               {{{"FINISHED BY"}, Align::kLeft, 8}, {Join(chunk.finished_by(), terminal.encoding)}}});
  }
  Lines lines = Layout(table, Limit(terminal), terminal);
  const Lines not_taken = problems.Take();
  if (!not_taken.empty()) lines.insert(lines.end(), {"", Paint("NOT TAKEN", Tone::kStrong, terminal)});
  lines.insert(lines.end(), not_taken.begin(), not_taken.end());
  return lines;
}

Lines RenderCheckpoints(const v1::ListCheckpointsResponse& list, absl::Time now, const Terminal& terminal) {
  Table table;
  for (const v1::Checkpoint& checkpoint : list.checkpoints()) {
    const double trained = checkpoint.training_seconds();
    table.Add(
        {{{{"ID"}}, {Clean(checkpoint.id(), terminal.encoding), Tone::kStrong}},
         {{{"STEP"}, Align::kRight}, {Count(checkpoint.step())}},
         {{{"CHUNK#"}, Align::kRight},
          {checkpoint.has_cursor() ? Cat(checkpoint.cursor().chunk()) : kNothing}},
         {{{"SIZE"}, Align::kRight}, {Bytes(checkpoint.blob().size_bytes())}},
         {{{"TRAINED"}, Align::kRight}, {trained > 0 ? Age(absl::Seconds(trained)) : kNothing}},
         {{{"AGE"}, Align::kRight}, {AgeOf(checkpoint.committed_at(), now)}},
         {{{"WHY"}, Align::kLeft, 6}, {OrNothing(Clean(checkpoint.reason(), terminal.encoding))}},
         {{{"PINNED"}}, {checkpoint.pinned() ? "pinned" : kNothing}},
         {{{"SHA256"}, Align::kLeft, 6}, {ShortDigest(checkpoint.blob().sha256(), terminal.encoding)}}});
  }
  return Layout(table, Limit(terminal), terminal);
}

std::string RenderVerdict(const v1::Checkpoint& checkpoint, const v1::VerifyCheckpointResponse& verdict,
                          const Terminal& terminal) {
  const std::string size = Pad(Bytes(checkpoint.blob().size_bytes()), 8, Align::kRight);
  const std::string what = verdict.intact()
                               ? Paint("intact", Tone::kGood, terminal)
                               : Paint(Clean(verdict.fault(), terminal.encoding), Tone::kBad, terminal);
  return Cat(Clean(checkpoint.id(), terminal.encoding), "  ", size, "  ", what);
}

Lines RenderEvents(const v1::ListEventsResponse& list, const Terminal& terminal) {
  // On a narrow terminal the text goes below, where it can be read, and the year has no room.
  const bool narrow = terminal.interactive && terminal.columns < 120;
  Table table;
  table.columns = {
      {{"NUMBER"}, Align::kRight}, {{"TIME"}}, {{"KIND"}, Align::kLeft, 10}, {{"SUBJECT"}, Align::kLeft, 8}};
  if (!narrow) table.columns.push_back({{"TEXT"}, Align::kLeft, 20});
  for (const v1::Event& event : list.events()) {
    const std::string time = UtcTime(event.at());
    table.rows.push_back({{Cat(event.number()), Tone::kFaint},
                          {narrow && time != kNothing ? time.substr(5) : time},
                          {Clean(event.kind(), terminal.encoding)},
                          {OrNothing(Clean(event.subject(), terminal.encoding)), Tone::kStrong}});
    if (!narrow) table.rows.back().push_back({Clean(event.text(), terminal.encoding)});
  }
  const Lines rows = Layout(table, Limit(terminal), terminal);
  if (!narrow) return rows;
  constexpr int kIndent = 8;
  constexpr int kTextLinesMax = 20;
  Lines lines = {rows.front()};
  for (int i = 0; i < list.events_size(); ++i) {
    lines.push_back(rows[static_cast<size_t>(i) + 1]);
    const std::string text = Clean(list.events(i).text(), terminal.encoding);
    if (text.empty()) continue;
    const int width = std::max(20, terminal.columns - kIndent);
    for (const std::string& line : Wrap(text, width, kTextLinesMax, terminal.encoding)) {
      lines.push_back(std::string(kIndent, ' ') + line);
    }
  }
  return lines;
}

Lines RenderEvaluations(const v1::ListEvaluationsResponse& list, absl::Time now, const Terminal& terminal) {
  Table table;
  table.gap = terminal.interactive && terminal.columns < 100 ? 1 : 2;
  bool too_few = false;
  bool overfits = false;
  for (const v1::Evaluation& e : list.evaluations()) {
    too_few = too_few || e.too_few();
    const bool worse = ShowsOverfitting(FromProto(e).value_or(Evaluation()));
    overfits = overfits || worse;
    const int fewer = std::min(e.reals(), e.fakes());
    table.Add({{{{"ID"}}, {Clean(e.specialist(), terminal.encoding), Tone::kStrong}},
               {{{"KIND"}}, {KindName(e.kind(), terminal.encoding)}},
               {{{"CHUNK", "INDEX"}, Align::kRight}, {Cat(e.chunk())}},
               {{{"STEP"}, Align::kRight}, {Count(e.step())}},
               {{{"REALS", "/FAKES"}, Align::kRight}, {Cat(e.reals(), "/", e.fakes())}},
               {{{"AUC", "[95% INTERVAL]"}}, {AucWithInterval(e)}},
               {{{"LOG", "LOSS"}, Align::kRight},
                {MeasuredOn(fewer, e.log_loss()) + (worse ? "!" : ""), worse ? Tone::kBad : Tone::kPlain}},
               {{{"REAL", "ACC"}, Align::kRight}, {MeasuredOn(e.reals(), e.real_accuracy())}},
               {{{"FAKE", "ACC"}, Align::kRight}, {MeasuredOn(e.fakes(), e.fake_accuracy())}},
               {{{"", "AGE"}, Align::kRight}, {AgeOf(e.recorded_at(), now)}}});
  }
  Lines lines = Layout(table, Limit(terminal), terminal);
  if (too_few)
    lines.push_back(Paint("~ under 30 families in a class: read with care", Tone::kFaint, terminal));
  if (overfits)
    lines.push_back(Paint("! above its best validation, 2 times in a row or more", Tone::kFaint, terminal));
  return lines;
}

Lines RenderWorker(const v1::DescribeWorkerResponse& description, const Terminal& terminal) {
  const auto clean = [&](const std::string& wire) { return Clean(wire, terminal.encoding); };
  const v1::WorkerStatus& worker = description.worker();
  Sheet sheet(terminal);
  sheet.Title(Cat("MEMBER ", clean(worker.member())));
  const Cell state = WorkerState(worker);
  sheet.Field("state", state.text, state.tone);
  if (!worker.box().empty() && worker.has_since_seen())
    sheet.Field("last heard", Cat(Age(FromProto(worker.since_seen())), " ago"));
  sheet.Field("box", clean(worker.box()));
  sheet.Field("incarnation", clean(worker.incarnation()));
  sheet.Field("device", clean(worker.device().name()));
  sheet.Field("model", clean(worker.device().model()));
  sheet.Field("tasks", TaskList(worker.tasks(), terminal.encoding));
  if (!worker.chunks().empty()) {
    Table table;
    for (const v1::ChunkOnBox& chunk : worker.chunks()) {
      const std::string without_digest = chunk.problem().empty() ? "not hashed yet" : "not taken";
      const std::string digest = ShortDigest(chunk.sha256(), terminal.encoding);
      table.Add({{{{"CHUNK"}, Align::kLeft, 5}, {clean(chunk.chunk())}},
                 {{{"SIZE"}, Align::kRight}, {Bytes(chunk.size_bytes())}},
                 {{{"SHA256"}}, {chunk.sha256().empty() ? without_digest : digest}}});
    }
    sheet.Title("CHUNKS ON THIS BOX");
    sheet.Rows(Layout(table, Limit(Inside(terminal)), terminal));
    for (const v1::ChunkOnBox& chunk : worker.chunks()) {
      sheet.Field(Cat(clean(chunk.chunk()), " not taken"), clean(chunk.problem()),
                  ToneOf(chunk.needs_action()));
    }
  }
  for (const v1::TaskStatus& task : description.tasks()) {
    const std::string specialist = SpecialistOf(task.task());
    sheet.Title(specialist.empty() ? Cat("TASK ", clean(task.task()))
                                   : Cat("SPECIALIST ", clean(specialist)));
    AddTask(task, terminal, sheet);
  }
  AddEvents(description.recent_events(), terminal, sheet);
  return sheet.Take();
}

Lines RenderSpecialist(const SpecialistDescription& description, absl::Time now, const Terminal& terminal) {
  Sheet sheet(terminal);
  sheet.Title(Cat("SPECIALIST ", Clean(SpecialistOf(description.task.task()), terminal.encoding)));
  AddTask(description.task, terminal, sheet);
  if (!description.checkpoints.checkpoints().empty()) {
    sheet.Title("CHECKPOINTS");
    sheet.Rows(RenderCheckpoints(description.checkpoints, now, Inside(terminal)));
  }
  if (!description.evaluations.evaluations().empty()) {
    sheet.Title("EVALUATIONS");
    sheet.Rows(RenderEvaluations(description.evaluations, now, Inside(terminal)));
  }
  AddEvents(description.recent_events.events(), terminal, sheet);
  return sheet.Take();
}

Lines RenderChunk(const v1::ChunkStatus& chunk, const Terminal& terminal) {
  const auto clean = [&](const std::string& wire) { return Clean(wire, terminal.encoding); };
  Sheet sheet(terminal);
  sheet.Title(Cat("CHUNK ", clean(chunk.chunk())));
  sheet.Field("size", Bytes(chunk.size_bytes()));
  sheet.Field("sha256", clean(chunk.sha256()));
  sheet.Field("held by", Join(chunk.members(), terminal.encoding));
  sheet.Field("other bytes on", Join(chunk.differing_members(), terminal.encoding), Tone::kBad);
  for (const v1::ChunkProblem& problem : chunk.problems()) {
    sheet.Field("not taken on", Cat(clean(problem.member()), ": ", clean(problem.text())),
                ToneOf(problem.needs_action()));
  }
  sheet.Field("finished by", Join(chunk.finished_by(), terminal.encoding));
  if (!chunk.has_manifest()) {
    sheet.Field("data manifest", "not committed yet");
    return sheet.Take();
  }
  const v1::DataManifest& manifest = chunk.manifest();
  sheet.Field("data manifest", clean(manifest.blob().sha256()));
  sheet.Field("clips", Cat(manifest.clips(), " in ", Counted(manifest.families(), "family", "families")));
  sheet.Field("quarantined", Cat(manifest.quarantined()),
              manifest.quarantined() > 0 ? Tone::kWarning : Tone::kPlain);
  if (manifest.views().empty()) return sheet.Take();
  int64_t all = 0;
  for (const v1::ViewBytes& view : manifest.views()) all += view.bytes();
  sheet.Title("CLIP STORE");
  sheet.Field("all views", Cat(Bytes(all), OfZip(all, chunk.size_bytes())));
  for (const v1::ViewBytes& view : manifest.views()) {
    sheet.Field(clean(view.view()), Cat(Bytes(view.bytes()), OfZip(view.bytes(), chunk.size_bytes())));
  }
  return sheet.Take();
}

}  // namespace interceptor::coordinator

#include "tests/support/api_samples.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "common/base/status.h"

namespace interceptor::coordinator {
namespace {

constexpr int64_t kNowSeconds = 1767323045;
constexpr std::array<const char*, 6> kSpecialists = {"BG", "AV", "CM", "RR", "LL", "TM"};
constexpr std::array<const char*, 4> kMembers = {"anna", "bert", "cora", "dora"};

void SetAgo(int64_t seconds, google::protobuf::Timestamp* timestamp) {
  timestamp->set_seconds(kNowSeconds - seconds);
}

std::string HexDigest(char digit) { return std::string(64, digit); }

void FillEvaluation(int specialist, int chunk, v1::Evaluation* evaluation) {
  evaluation->set_specialist(kSpecialists[static_cast<size_t>(specialist)]);
  evaluation->set_kind("held_out");
  evaluation->set_chunk(chunk);
  evaluation->set_step(1000 * (chunk + 1));
  evaluation->mutable_score_table()->set_sha256(HexDigest('e'));
  evaluation->mutable_score_table()->set_size_bytes(40960);
  evaluation->set_reals(120);
  evaluation->set_fakes(180);
  evaluation->set_families(120);
  evaluation->set_auc(0.75 + 0.03125 * specialist);
  evaluation->set_auc_low(0.6875 + 0.03125 * specialist);
  evaluation->set_auc_high(0.8125 + 0.03125 * specialist);
  evaluation->set_log_loss(0.5);
  evaluation->set_real_accuracy(0.75);
  evaluation->set_fake_accuracy(0.625);
  SetAgo(900, evaluation->mutable_recorded_at());
}

void FillValidation(int specialist, v1::Evaluation* evaluation) {
  FillEvaluation(specialist, 3, evaluation);
  evaluation->set_kind("validation");
  evaluation->set_step(3500);
  evaluation->set_log_loss_low(0.4375);
  evaluation->set_log_loss_high(0.5625);
  evaluation->set_best_step(2500);
  evaluation->set_rise_low(0.03125);
  evaluation->set_rise_high(0.125);
  evaluation->set_worse_in_a_row(1);
}

void FillCheckpoint(int specialist, int chunk, v1::Checkpoint* checkpoint) {
  const std::string specialist_name = kSpecialists[static_cast<size_t>(specialist)];
  const int64_t step = 1000 * (chunk + 1);
  checkpoint->set_id(Cat(specialist_name, "-00000000", step));
  checkpoint->set_specialist(specialist_name);
  checkpoint->mutable_blob()->set_sha256(HexDigest('c'));
  checkpoint->mutable_blob()->set_size_bytes(140'900'000);
  checkpoint->set_step(step);
  checkpoint->mutable_cursor()->set_chunk(chunk);
  checkpoint->mutable_cursor()->set_position(500);
  checkpoint->mutable_cursor()->set_seed(1);
  checkpoint->set_training_seconds(3600.0 * (chunk + 1));
  checkpoint->add_manifests(HexDigest('d'));
  checkpoint->set_reason("chunk_end");
  SetAgo(720, checkpoint->mutable_committed_at());
}

void FillTrainingTask(int specialist, v1::TaskStatus* task) {
  const std::string member = kMembers[static_cast<size_t>(specialist / 2)];
  const bool has_turn = specialist % 2 == 0;
  task->set_task(Cat("train/", kSpecialists[static_cast<size_t>(specialist)]));
  task->set_home_member(member);
  task->set_holder_member(member);
  task->set_holder_box(Cat("box-of-", member));
  task->set_term(2);
  task->set_state(v1::TaskStatus::STATE_RUNNING);
  task->set_phase(has_turn ? v1::PHASE_TRAINING : v1::PHASE_WAITING_FOR_TURN);
  task->set_reason(has_turn ? "training" : "waiting for turn");
  task->set_chunks_finished(3);
  task->set_chunks_total(10);
  task->mutable_cursor()->set_chunk(3);
  task->mutable_cursor()->set_position(250 + specialist);
  task->mutable_cursor()->set_seed(1);
  task->set_step(3250 + specialist);
  task->set_chunk_steps(1000);
  task->set_loss(0.5 + 0.015625 * specialist);
  task->set_gradient_norm(0.25);
  task->set_samples_per_second(has_turn ? 812.5 : 0);
  task->set_data_wait_share(0.0625);
  task->set_training_seconds(11700);
  task->mutable_since_progress()->set_seconds(2);
  task->mutable_lease_left()->set_seconds(28);
  FillCheckpoint(specialist, 2, task->mutable_newest_checkpoint());
  FillEvaluation(specialist, 2, task->mutable_newest_held_out());
  SetAgo(720, task->mutable_last_checkpoint_at());
  FillValidation(specialist, task->mutable_newest_validation());
}

void FillIntegration(v1::TaskStatus* task) {
  task->set_task("integrate");
  task->set_home_member("dora");
  task->set_holder_member("dora");
  task->set_holder_box("box-of-dora");
  task->set_term(1);
  task->set_state(v1::TaskStatus::STATE_RUNNING);
  task->set_phase(v1::PHASE_INTEGRATING);
  task->set_chunks_finished(3);
  task->set_chunks_total(10);
  task->set_reason("waiting for BG to finish chunk 03");
  task->mutable_since_progress()->set_seconds(4);
}

constexpr char kStillCopied[] = "it is still being copied: its size or time changes";

void FillWorker(int member, v1::WorkerStatus* worker) {
  const std::string name = kMembers[static_cast<size_t>(member)];
  worker->set_member(name);
  worker->set_box(Cat("box-of-", name));
  worker->set_incarnation(HexDigest('1').substr(0, 32));
  worker->mutable_device()->set_name(member == 3 ? "cpu" : "cuda:0");
  worker->mutable_device()->set_model(member == 3 ? "Intel Xeon 8481C" : "NVIDIA H200");
  worker->set_connected(true);
  worker->mutable_since_seen()->set_seconds(1);
  for (int chunk = 0; member != 3 && chunk < 10; ++chunk) {
    v1::ChunkOnBox* on_box = worker->add_chunks();
    on_box->set_chunk(Cat("0", chunk));
    on_box->set_size_bytes(9'800'000'000);
    if (chunk < 9) {
      on_box->set_sha256(HexDigest('a'));
    } else if (member == 0) {
      on_box->set_problem(kStillCopied);
    }
  }
  if (member == 3) {
    worker->add_tasks("integrate");
  } else {
    worker->add_tasks(Cat("train/", kSpecialists[static_cast<size_t>(2 * member)]));
    worker->add_tasks(Cat("train/", kSpecialists[static_cast<size_t>(2 * member + 1)]));
  }
}

v1::GetStatusResponse Headline() {
  v1::GetStatusResponse status;
  status.set_plan_name("master");
  status.set_plan_digest(HexDigest('b'));
  status.set_health(v1::GetStatusResponse::HEALTH_OK);
  status.set_chunks_total(10);
  status.set_version("0.1.0");
  status.set_disk_free_bytes(412'000'000'000);
  SetAgo(8040, status.mutable_started_at());
  SetAgo(0, status.mutable_at());
  return status;
}

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

absl::Time SampleNow() { return absl::FromUnixSeconds(kNowSeconds); }

v1::GetStatusResponse EmptyStatus() {
  v1::GetStatusResponse status = Headline();
  status.set_events(1);
  for (int specialist = 0; specialist < 6; ++specialist) {
    v1::TaskStatus* task = status.add_tasks();
    task->set_task(Cat("train/", kSpecialists[static_cast<size_t>(specialist)]));
    task->set_home_member(kMembers[static_cast<size_t>(specialist / 2)]);
    task->set_state(v1::TaskStatus::STATE_WAITING);
    task->set_reason(Cat("no worker of ", task->home_member(), " is connected"));
    task->set_chunks_total(10);
  }
  for (const char* member : kMembers) status.add_workers()->set_member(member);
  return status;
}

v1::GetStatusResponse RunningStatus() {
  v1::GetStatusResponse status = Headline();
  status.set_events(1234);
  status.set_vault_bytes(1'690'000'000);
  status.set_quarantined(3);
  status.set_rounds_finished(3);
  for (int specialist = 0; specialist < 6; ++specialist) FillTrainingTask(specialist, status.add_tasks());
  FillIntegration(status.add_tasks());
  for (int member = 0; member < 4; ++member) FillWorker(member, status.add_workers());
  return status;
}

v1::GetStatusResponse DegradedStatus() {
  v1::GetStatusResponse status = RunningStatus();
  status.set_health(v1::GetStatusResponse::HEALTH_DEGRADED);
  status.set_insecure(true);
  status.add_problems(
      "LL is paused: chunk 04 has one class only (2,412 FAKE, 0 REAL): fix its metadata.json");
  status.add_problems("worker bert was last heard 5m ago");
  status.add_problems("BG has published no checkpoint for 3h20m of training");
  v1::TaskStatus* bg = status.mutable_tasks(0);
  bg->set_checkpoint_overdue(true);
  SetAgo(12000, bg->mutable_last_checkpoint_at());
  bg->mutable_newest_held_out()->set_too_few(true);
  bg->mutable_since_progress()->set_seconds(185);
  bg->set_reason("training, no progress for 3m5s");
  for (int i = 2; i < 4; ++i) {
    v1::TaskStatus* task = status.mutable_tasks(i);
    task->set_holder_member("anna");
    task->set_holder_box("box-of-anna");
    task->set_term(3);
  }
  v1::TaskStatus* ll = status.mutable_tasks(4);
  ll->set_state(v1::TaskStatus::STATE_PAUSED);
  ll->set_reason("chunk 04 has one class only");
  ll->clear_holder_member();
  v1::WorkerStatus* bert = status.mutable_workers(1);
  bert->set_connected(false);
  bert->mutable_since_seen()->set_seconds(310);
  bert->clear_tasks();
  return status;
}

v1::GetStatusResponse DoneStatus() {
  v1::GetStatusResponse status = RunningStatus();
  status.set_done(true);
  status.set_rounds_finished(10);
  for (v1::TaskStatus& task : *status.mutable_tasks()) {
    task.set_state(v1::TaskStatus::STATE_DONE);
    task.clear_phase();
    task.set_reason("every chunk is finished");
    task.set_chunks_finished(10);
  }
  for (v1::WorkerStatus& worker : *status.mutable_workers()) worker.clear_tasks();
  return status;
}

v1::GetStatusResponse HostileStatus() {
  const std::string attack =
      "\x1b[2J\x1b]0;owned\x07\r\n\u202egnp.exe\u200b\u0085 caf\u00e9 \u6f22\u5b57 " + std::string(300, 'x');
  v1::GetStatusResponse status = DegradedStatus();
  status.set_plan_name(attack);
  status.set_problems(0, attack);
  for (int i = 0; i < 20; ++i) status.add_problems(attack);
  for (v1::TaskStatus& task : *status.mutable_tasks()) {
    task.set_home_member(attack);
    task.set_holder_member(attack);
    task.set_reason(attack);
    task.set_state(v1::TaskStatus::STATE_PAUSED);
    task.set_loss(1e300);
    task.set_step(INT64_MAX);
  }
  for (v1::WorkerStatus& worker : *status.mutable_workers()) {
    worker.set_member(attack);
    worker.mutable_device()->set_model(attack);
    worker.add_tasks(attack);
    worker.set_connected(false);
  }
  return status;
}

v1::ListChunksResponse SampleChunks() {
  v1::ListChunksResponse list;
  for (int i = 0; i < 3; ++i) {
    v1::ChunkStatus* chunk = list.add_chunks();
    chunk->set_chunk(Cat("0", i));
    if (i == 2) continue;
    chunk->set_sha256(HexDigest('a'));
    chunk->set_size_bytes(9'800'000'000);
    chunk->add_members("anna");
    chunk->add_members("bert");
  }
  v1::DataManifest* manifest = list.mutable_chunks(0)->mutable_manifest();
  manifest->set_chunk("00");
  manifest->mutable_blob()->set_sha256(HexDigest('d'));
  manifest->mutable_blob()->set_size_bytes(81920);
  manifest->set_chunk_sha256(HexDigest('a'));
  manifest->set_clips(2400);
  manifest->set_families(410);
  manifest->set_quarantined(3);
  for (const auto& [view, bytes] :
       {std::pair("face_crop", int64_t{4'300'000'000}), std::pair("full_frame", int64_t{2'890'000'000})}) {
    v1::ViewBytes* added = manifest->add_views();
    added->set_view(view);
    added->set_bytes(bytes);
  }
  list.mutable_chunks(0)->add_finished_by("BG");
  list.mutable_chunks(0)->add_finished_by("AV");
  list.mutable_chunks(1)->add_differing_members("cora");
  v1::ChunkProblem* copied = list.mutable_chunks(0)->add_problems();
  copied->set_member("cora");
  copied->set_text(kStillCopied);
  v1::ChunkProblem* denied = list.mutable_chunks(2)->add_problems();
  denied->set_member("anna");
  denied->set_text("cannot open /data/02.zip: Permission denied; let the worker's user read it");
  denied->set_needs_action(true);
  return list;
}

v1::ListCheckpointsResponse SampleCheckpoints() {
  v1::ListCheckpointsResponse list;
  for (int specialist = 0; specialist < 2; ++specialist) {
    FillCheckpoint(specialist, 2, list.add_checkpoints());
    FillCheckpoint(specialist, 1, list.add_checkpoints());
  }
  list.mutable_checkpoints(1)->set_pinned(true);
  list.mutable_checkpoints(2)->set_reason("save_now");
  return list;
}

v1::ListEventsResponse SampleEvents() {
  v1::ListEventsResponse list;
  const auto add = [&](int64_t number, const char* kind, const char* subject, const std::string& text) {
    v1::Event* event = list.add_events();
    event->set_number(number);
    SetAgo(1300 - number, event->mutable_at());
    event->set_kind(kind);
    event->set_subject(subject);
    event->set_text(text);
  };
  add(1234, "checkpoint_committed", "BG-000000003000",
      Cat("term 2: chunk_end at step 3000, chunk index 2, 140900000 bytes, digest ", HexDigest('c')));
  add(1233, "plan_paused", "plan", "new disk for the head node");
  add(1232, "task_granted", "train/CM", "to anna, box box-of-anna, term 3: bert is gone");
  return list;
}

v1::ListEvaluationsResponse SampleEvaluations() {
  v1::ListEvaluationsResponse list;
  FillEvaluation(0, 2, list.add_evaluations());
  FillEvaluation(1, 2, list.add_evaluations());
  v1::Evaluation* look_ahead = list.add_evaluations();
  FillEvaluation(0, 3, look_ahead);
  look_ahead->set_kind("look_ahead");
  look_ahead->set_too_few(true);
  v1::Evaluation* one_class = list.add_evaluations();
  FillEvaluation(5, 0, one_class);
  one_class->set_reals(0);
  v1::Evaluation* validation = list.add_evaluations();
  FillValidation(0, validation);
  validation->set_worse_in_a_row(2);
  return list;
}

v1::DescribeWorkerResponse SampleWorker() {
  const v1::GetStatusResponse status = RunningStatus();
  v1::DescribeWorkerResponse description;
  *description.mutable_worker() = status.workers(0);
  description.mutable_worker()->mutable_chunks()->DeleteSubrange(1, 8);
  *description.add_tasks() = status.tasks(0);
  *description.add_tasks() = status.tasks(1);
  *description.mutable_recent_events() = SampleEvents().events();
  return description;
}

std::string Joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += Cat(line, "\n");
  return text;
}

std::string GoldenDifference(const std::string& file, const std::string& text) {
  const std::string path = Cat(INTERCEPTOR_SOURCE_DIR "/tests/golden/cli/", file);
  if (std::getenv("INTERCEPTOR_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return "";
  }
  const std::string golden = ReadWhole(path);
  if (golden == text) return "";
  std::istringstream expected_lines(golden);
  std::istringstream actual_lines(text);
  std::string expected;
  std::string actual;
  for (int number = 1;; ++number) {
    const bool more_expected = static_cast<bool>(std::getline(expected_lines, expected));
    const bool more_actual = static_cast<bool>(std::getline(actual_lines, actual));
    if (more_expected && more_actual && expected == actual) continue;
    return Cat(path, ":", number, "\n  golden: ", more_expected ? expected : "(end)",
               "\n  now:    ", more_actual ? actual : "(end)",
               "\nif the new text is meant, run the test once with INTERCEPTOR_UPDATE_GOLDEN=1");
  }
}

}  // namespace interceptor::coordinator

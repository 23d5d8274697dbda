// interceptor-train as far as anybody can tell from outside, after worker/engine/trainer.cc: it starts from a
// checkpoint or from a newer snapshot that descends from it, waits for chunks, takes steps, saves on the
// grid, scores, and leaves. Its weights are a hash of everything that it was trained on.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tests/simulation/blob.h"
#include "tests/simulation/child.h"

namespace interceptor::simulation {

class Trainer : public Child {
 public:
  Trainer(Box& box, worker::ChildId id, const worker::StartTrainer& start);

  std::string specialist() const override { return specialist_; }
  void OnStop() override;
  void OnSave() override { save_requested_ = true; }
  void OnOrder(const worker::GiveChunk& order) override;

 protected:
  void Begin() override;
  void Ended(bool in_order) override;

 private:
  struct Save {
    std::string path;
    Model model;
    SaveReason reason = SaveReason::kSaveNow;
  };
  bool Load();
  bool FindSnapshot(const std::string& resume);
  void WaitForOrder();
  void OpenChunk();
  void StandWhereOrdered();
  void CheckSampling();
  void TakeStep();
  void StepTaken();
  void SaveAndGoOn(const Cursor& before);
  void SaveWhereDue(const Cursor& before);
  void StartSave(SaveReason reason);
  void Saved();
  void ScoreHeldOut();
  void Evaluate(EvaluationKind kind, std::function<void()> then);
  void LeaveOrderly();
  void WriteSnapshot();
  void Progress(Phase phase);
  bool AtChunkStart() const { return model_.cursor.epoch == 0 && model_.cursor.position == 0; }

  const std::string specialist_;
  const std::string resume_path_;
  Model model_;
  int64_t started_at_step_ = 0;
  bool loaded_ = false;
  bool went_back_ = false;  // to the checkpoint, for scores that were pending
  bool disk_was_full_ = false;
  int64_t snapshot_number_ = 0;
  MonotonicTime last_snapshot_;
  std::optional<worker::GiveChunk> order_;
  bool waiting_ = false;  // for an order
  bool stop_ = false;
  bool save_requested_ = false;
  std::optional<Save> saving_;
  std::function<void()> after_save_;  // what waits for it
};

}  // namespace interceptor::simulation

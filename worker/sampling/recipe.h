// The recipe and the run's settings: the worker's side of the plan (proto/interceptor/v1/plan.proto), with
// the same field names. Defaults are the master plan's. Reading run.json is worker/store/settings.h's job.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace interceptor::worker {

struct CurriculumStage {
  double until_progress = 1.0;
  int input_pixels = 224;
  int trainable_stages = 9;
  double augmentation_strength = 1.0;
  double pace = 1.0;
};

// What the network of a specialist looks at.
enum class FrontEndMode {
  kFaceCrop,    // every specialist the face crop, and nothing else
  kSpecialist,  // its own views with the evidence that its front end draws from them
  kViewsOnly,   // its own views, the evidence left out: what an ordinary network makes of them
};

std::string_view ToString(FrontEndMode mode);  // "face_crop", "specialist", "views_only"
std::optional<FrontEndMode> ParseFrontEndMode(std::string_view text);

// Both empty: the model is trained from scratch.
struct InitialWeights {
  std::string file;
  std::string sha256;
};

struct ModelSettings {
  std::string architecture = "efficientnet_b4";
  int input_pixels = 224;
  double width_scale = 1.0;  // relative to B4
  double depth_scale = 1.0;
  int classes = 2;
  InitialWeights initial_weights;
  std::string front_end = "face_crop";  // FrontEndMode by name
};

struct Recipe {
  double learning_rate = 3e-4;
  double backbone_learning_rate_scale = 0.1;
  double weight_decay = 0.01;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  int warmup_steps = 500;
  double learning_rate_floor = 0.1;
  double anneal_share = 0.1;
  double final_learning_rate = 0.01;
  int batch_size = 32;
  int epochs_per_chunk = 1;
  int steps_per_chunk_max = 0;  // 0: no limit
  double label_smoothing = 0.02;
  double dropout = 0.4;
  double stochastic_depth = 0.2;
  double gradient_clip = 1.0;
  int rounding_period = 128;
  double replay_share_max = 0.5;
  double self_made_share = 0;
  std::vector<CurriculumStage> stages = {{}};
};

struct PreparationSettings {
  int view_pixels = 224;
  int frames_per_fake = 16;
  int frames_per_real = 64;
  double unmatched_share_max = 0.01;
  double expected_fake_share = 0.5;
  double replay_reservoir = 0.1;
  int face_detection_stride = 10;
  std::string labels_csv = {};
  std::string face_model = {};         // a file beside the zips; empty: the preparer's own
  std::string face_model_sha256 = {};  // empty: whatever lies there
};

struct EvaluationSettings {
  int folds = 5;
  int held_out_fold = 0;
  bool look_ahead = true;
  bool bias_correction = true;
  int frames_per_clip = 16;
  double deployment_prior = 0.5;
  int evaluate_every_steps = 0;
};

struct CheckpointSettings {
  int period_seconds = 10800;
  int keep_latest = 2;
  int recovery_period_seconds = 600;
};

struct RunSettings {
  std::string plan_digest;  // empty when a person runs a program alone
  uint32_t seed = 1;
  std::vector<std::string> chunks = {"00", "01", "02", "03", "04", "05", "06", "07", "08", "09"};
  ModelSettings model;
  Recipe recipe;
  PreparationSettings preparation;
  EvaluationSettings evaluation;
  CheckpointSettings checkpoints;
};

// A sentence for people on what a face model costs them (a file's name; empty: Debian's cascade). Empty for
// YuNet.
std::string_view FaceModelNotice(std::string_view face_model);

}  // namespace interceptor::worker

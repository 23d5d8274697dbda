#include "tests/synth/make.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/base/log.h"
#include "common/base/status.h"
#include "tests/synth/chunk.h"
#include "tests/synth/encode.h"
#include "tests/synth/given.h"
#include "tests/synth/parallel.h"
#include "tests/synth/render.h"

namespace interceptor::synth {
namespace {

struct MadeFamily {
  absl::Status status;
  std::vector<ChunkClip> clips;
  std::vector<nlohmann::json> truth;
};

// One planted operation with its kind's strength, in its own unit and as its place in the range.
nlohmann::json Operation(Kind kind, const Planting& plant, const RenderedClip& rendered) {
  const Strength& strength = plant.strength;
  nlohmann::json operation = {{"kind", KindName(kind)},
                              {"where", plant.elsewhere ? "elsewhere" : "face"},
                              {"strength", strength.in_range[static_cast<size_t>(kind)]}};
  switch (kind) {
    case Kind::kBg:
      operation["colour_rms"] = strength.colour_rms;
      operation["psnr_db"] = rendered.colour_psnr_db;
      break;
    case Kind::kAv:
      operation["shift_s"] = strength.sound_shift_s;
      break;
    case Kind::kCm:
      operation["quality"] = strength.recompress_quality;
      break;
    case Kind::kRr:
      operation["factor"] = strength.reduce_factor;
      operation["sharpening"] = strength.sharpening;
      break;
    case Kind::kLl:
      operation["noise_factor"] = strength.noise_factor;
      break;
    case Kind::kTm:
      operation["order"] = strength.lag_frames > 0 ? "lag" : "scramble";
      if (strength.lag_frames > 0) {
        operation["frames"] = strength.lag_frames;
      } else {
        operation["share"] = strength.scrambled_share;
      }
      break;
  }
  return operation;
}

nlohmann::json Truth(const std::string& chunk, const FamilyRecipe& family, const ClipRecipe& clip,
                     const RenderedClip& rendered) {
  const Planting& plant = clip.planting;
  nlohmann::json truth = {{"chunk", chunk},
                          {"clip", clip.name},
                          {"family", chunk + "/" + family.clips[0].name},
                          {"label", clip.fake ? "FAKE" : "REAL"},
                          {"kinds", nlohmann::json::array()},
                          {"operations", nlohmann::json::array()},
                          {"dark", family.shape.dark},
                          {"crf", clip.crf},
                          {"noise_gain", clip.benign.noise_gain},
                          {"frames", family.shape.frames},
                          {"frames_per_second", family.shape.frames_per_second},
                          {"rotation", family.rotation_degrees}};
  auto& operations = truth["operations"];
  for (Kind kind : plant.kinds) {
    if (clip.fake) truth["kinds"].push_back(KindName(kind));
    operations.push_back(Operation(kind, plant, rendered));
  }
  if (clip.benign.reduce_factor > 1) {
    operations.push_back({{"kind", "RR"},
                          {"where", "everywhere"},
                          {"factor", clip.benign.reduce_factor},
                          {"sharpening", clip.benign.sharpening}});
  }
  if (clip.benign.recompress_quality > 0) {
    operations.push_back(
        {{"kind", "CM"}, {"where", "everywhere"}, {"quality", clip.benign.recompress_quality}});
  }
  return truth;
}

// `given` is the clip to plant in; empty: a take is drawn.
absl::Status MakeFamily(const MakeOptions& options, int chunk, int index, const std::string& given,
                        MadeFamily& made) {
  const std::initializer_list<uint64_t> parts = {static_cast<uint64_t>(chunk), static_cast<uint64_t>(index)};
  const Draws draws(options.seed, "family", parts);
  FamilyRecipe family;
  Take take;
  if (given.empty()) {
    family = DrawFamily(draws, options.recipe);
    take = DrawTake(Draws(options.seed, "take", parts), family.shape);
  } else {
    ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<FaceFinder> finder, FaceFinder::Create());
    ICPT_ASSIGN_OR_RETURN(GivenTake read, ReadGivenTake(given, options.recipe.frames_max, *finder));
    family = DrawFamily(draws, options.recipe, read.take.shape.dark);
    AdoptSettings(read, family);
    take = std::move(read.take);
  }
  const RandomKey noise = MakeRandomKey(options.seed, "noise", parts);
  for (const ClipRecipe& recipe : family.clips) {
    if (family.without_original && !recipe.fake) continue;
    const RenderedClip rendered = RenderPicture(take, recipe, noise);
    const EncodeSettings settings{.frames_per_second = family.shape.frames_per_second,
                                  .crf = recipe.crf,
                                  .keyframe_interval = family.keyframe_interval,
                                  .rotation_degrees = family.rotation_degrees,
                                  .sound_rate = family.sound_rate,
                                  .sound_channels = family.sound_channels,
                                  .index_first = family.index_first};
    ICPT_ASSIGN_OR_RETURN(std::string bytes,
                          EncodeMp4(rendered.frames, RenderSound(take, recipe, family.sound_rate), settings));
    made.clips.push_back({.name = recipe.name,
                          .fake = recipe.fake,
                          .original = recipe.fake ? family.clips[0].name : "",
                          .bytes = std::move(bytes)});
    made.truth.push_back(Truth(ChunkName(chunk), family, recipe, rendered));
    if (!given.empty()) made.truth.back()["source"] = std::filesystem::path(given).filename().string();
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Make(const MakeOptions& options) {
  // Families are the unit of parallel work; threads inside OpenCV would only fight over the cores.
  cv::setNumThreads(1);
  std::vector<std::string> given;
  if (!options.from.empty()) {
    ICPT_ASSIGN_OR_RETURN(given, ListGivenClips(options.from));
    if (static_cast<int>(given.size()) < options.chunks) {
      return InvalidArgument("--from ", options.from, " holds ", given.size(), " originals for ",
                             options.chunks, " chunks; ask for fewer chunks");
    }
  }
  std::filesystem::create_directories(options.out);
  std::ofstream truth(options.out + "/truth.jsonl", std::ios::trunc);
  if (!truth) return FailedPrecondition("cannot write ", options.out, "/truth.jsonl");
  for (int chunk = 0; chunk < options.chunks; ++chunk) {
    // Given clip g goes to chunk g mod chunks.
    const int count =
        given.empty() ? options.families : (static_cast<int>(given.size()) - chunk - 1) / options.chunks + 1;
    std::vector<MadeFamily> families(static_cast<size_t>(count));
    ForEachIndex(count, options.threads, [&](int i) {
      MadeFamily& made = families[static_cast<size_t>(i)];
      const auto clip = static_cast<size_t>(chunk + i * options.chunks);
      made.status = MakeFamily(options, chunk, i, given.empty() ? "" : given[clip], made);
    });
    std::vector<ChunkClip> clips;
    for (MadeFamily& family : families) {
      ICPT_RETURN_IF_ERROR(Annotate(family.status, "chunk " + ChunkName(chunk)));
      for (ChunkClip& clip : family.clips) clips.push_back(std::move(clip));
      for (const nlohmann::json& line : family.truth) truth << line.dump() << "\n";
    }
    ICPT_RETURN_IF_ERROR(WriteChunk(options.out, chunk, clips));
    ICPT_LOG(kInfo) << "wrote " << options.out << "/" << ChunkName(chunk) << ".zip, " << clips.size()
                    << " clips";
  }
  truth.flush();
  if (!truth) return ResourceExhausted("cannot write all of ", options.out, "/truth.jsonl");
  return absl::OkStatus();
}

}  // namespace interceptor::synth

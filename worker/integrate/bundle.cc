#include "worker/integrate/bundle.h"

#include <set>
#include <utility>

#include "absl/strings/str_split.h"
#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/json_fields.h"
#include "worker/store/settings.h"

namespace interceptor::worker {
namespace {

constexpr std::string_view kSumSeparator = "  ";

void Fields(auto& visit, BundledSpecialist& each) {
  visit.Name("specialist", each.specialist, ParseSpecialist);
  visit("weights", each.weights);
  visit("architecture", each.architecture);
  visit("preprocessing", each.preprocessing);
  visit("checkpoint", each.checkpoint);
  visit("step", each.step);
  visit("manifests", each.manifests);
  visit("lineage", each.lineage);
}

void Fields(auto& visit, BundledFile& file) {
  visit("name", file.name);
  visit("sha256", file.sha256);
  visit("size_bytes", file.size_bytes);
}

struct NamedRange : AttributeRange {
  std::string attribute;
};

void Fields(auto& visit, NamedRange& range) {
  visit("attribute", range.attribute);
  visit("low", range.low);
  visit("high", range.high);
}

// All but settings and fusion, which have formats of their own.
void Fields(auto& visit, Bundle& bundle, std::vector<NamedRange>& ranges) {
  const auto fields = [](auto& nested, auto& each) { Fields(nested, each); };
  visit("chunk", bundle.chunk);
  visit("trained_on", bundle.trained_on);
  visit.List("specialists", bundle.specialists, fields);
  visit.List("attributes", ranges, fields);
  visit.List("files", bundle.files, fields);
}

bool IsPlainName(std::string_view name) {
  return !name.empty() && !name.starts_with('.') && name.find('/') == std::string_view::npos;
}

// An empty text, or what is wrong with what was read.
std::string Fault(const Bundle& bundle) {
  std::set<std::string> names;
  for (const BundledFile& file : bundle.files) {
    if (!IsPlainName(file.name)) {
      return Cat("names the file '", file.name, "', which is none of its folder");
    }
    if (!ValidateDigestHex(file.sha256).ok() || file.size_bytes < 0)
      return Cat("has no digest of ", file.name);
    if (!names.insert(file.name).second) return Cat("names the file ", file.name, " twice");
  }
  std::set<SpecialistName> specialists;
  for (const BundledSpecialist& each : bundle.specialists) {
    if (!specialists.insert(each.specialist).second)
      return Cat("names ", ToString(each.specialist), " twice");
    if (!names.contains(each.weights)) return Cat("has no digest of ", each.weights);
  }
  for (const FusedSpecialist& each : bundle.fusion.specialists) {
    if (!specialists.contains(each.specialist)) {
      return Cat("fuses ", ToString(each.specialist), ", whose weights it does not have");
    }
  }
  return "";
}

}  // namespace

std::string WeightsName(SpecialistName specialist) {
  return Cat("weights-", ToString(specialist), ".safetensors");
}

std::string FormatBundle(const Bundle& bundle) {
  Bundle copy = bundle;
  std::vector<NamedRange> ranges;
  for (const auto& [attribute, range] : bundle.attributes) ranges.push_back({range, attribute});
  FieldWriter writer;
  writer("version", kBundleVersion);
  Fields(writer, copy, ranges);
  writer.object["settings"] = nlohmann::json::parse(RunSettingsToJson(bundle.settings));
  writer.object["fusion"] = ToJson(bundle.fusion);
  return writer.object.dump(1) + "\n";
}

absl::StatusOr<Bundle> ParseBundle(std::string_view text) {
  ICPT_ASSIGN_OR_RETURN(const nlohmann::json object, ParseJsonObject(text));
  FieldReader reader(object, "the bundle");
  int version = 0;
  reader("version", version);
  ICPT_RETURN_IF_ERROR(reader.status());
  if (version > kBundleVersion) {
    return FailedPrecondition("the bundle has version ", version, "; this program reads up to ",
                              kBundleVersion, ": update this program");
  }
  if (version != kBundleVersion) reader.reader().Fail(Cat("has version ", version, ", which never was"));
  Bundle bundle;
  std::vector<NamedRange> ranges;
  Fields(reader, bundle, ranges);
  const nlohmann::json& settings = reader.reader().Object("settings");
  const nlohmann::json& fusion = reader.reader().Object("fusion");
  ICPT_RETURN_IF_ERROR(reader.Finish());
  ICPT_ASSIGN_OR_RETURN(bundle.settings, ParseRunSettings(settings.dump()));
  ICPT_ASSIGN_OR_RETURN(bundle.fusion, ParseFusion(fusion));
  for (const NamedRange& range : ranges) bundle.attributes[range.attribute] = range;
  if (const std::string fault = Fault(bundle); !fault.empty()) return InvalidArgument("the bundle ", fault);
  return bundle;
}

std::string FormatSums(const std::map<std::string, std::string>& digest_of) {
  std::string text;
  for (const auto& [name, hex] : digest_of) text += Cat(hex, kSumSeparator, name, "\n");
  return text;
}

absl::StatusOr<std::map<std::string, std::string>> ParseSums(std::string_view text) {
  std::map<std::string, std::string> digest_of;
  const std::vector<std::string> lines = absl::StrSplit(ToAbsl(text), '\n', absl::SkipEmpty());
  for (const std::string& line : lines) {
    const size_t split = line.find(kSumSeparator);
    const std::string hex = line.substr(0, split);
    const std::string name = split == std::string::npos ? "" : line.substr(split + kSumSeparator.size());
    if (!ValidateDigestHex(hex).ok() || !IsPlainName(name) || !digest_of.emplace(name, hex).second) {
      return InvalidArgument(kBundleSums, " has a line that is no digest and name of a file");
    }
  }
  return digest_of;
}

std::string ModelCard(const Bundle& bundle, const std::string& measured) {
  std::string card = Cat("# Deepfake detector after chunk ", bundle.chunk, "\n\n");
  card += bundle.trained_on.empty() ? "Trained on: nobody said what the clips are. Ask who made the chunks "
                                      "before you believe a verdict.\n"
                                    : Cat("Trained on: ", bundle.trained_on, ".\n");
  if (bundle.trained_on == "synthetic") card += "Verdicts do not hold for real video.\n";
  card += Cat("\n## Measured\n", measured,
              "\n\nOn held-out clips of the plan's own chunks (round.json): families that nothing was "
              "trained on. How it does on "
              "footage from elsewhere was not measured.\n\n## Specialists\n");
  for (const BundledSpecialist& each : bundle.specialists) {
    card += Cat("- ", ToString(each.specialist), ": step ", each.step,
                ", chunks trained on: ", each.manifests.size(), ", checkpoint ",
                each.checkpoint.substr(0, 12), "\n");
  }
  for (const LeftOutSpecialist& each : bundle.fusion.left_out) {
    card += Cat("- ", ToString(each.specialist), " is not weighed: ", each.reason, "\n");
  }
  card +=
      "\n## Limits\nA verdict is evidence and no proof. REAL and FAKE are said where the calibration clips "
      "allow it, else "
      "INCONCLUSIVE. Clips without a face are not judged, and of several faces the largest one alone is.\n"
      "\n## Licences\nWeights carry the conditions of the clips that they were trained on and of the weights "
      "that training "
      "started from; neither is known to this program.\n";
  return card;
}

}  // namespace interceptor::worker

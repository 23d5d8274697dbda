// Families and folds: which clips are held out, decided by hashes alone, so every box decides alike.
#pragma once

#include <string>
#include <string_view>

namespace interceptor::worker {

// "<chunk>/<original>": the name of a family.
std::string FamilyName(std::string_view chunk, std::string_view original);

// First eight bytes of SHA-256("fold|" + family) mod folds; folds >= 2.
int FoldOf(std::string_view family, int folds);

enum class Half { kCalibrate, kReport };

// First eight bytes of SHA-256("half|" + family): even calibrates, odd reports. For held-out families.
Half HalfOf(std::string_view family);

// True for the share of training families that stays in the keep store after its chunk to be replayed:
// first eight bytes of SHA-256("replay|" + family) below share x 2^64.
bool IsReplayFamily(std::string_view family, double share);

}  // namespace interceptor::worker

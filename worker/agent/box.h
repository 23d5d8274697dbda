// A work folder and who it is. The box id is made once and kept in it; a lock keeps a second agent out; the
// folder belongs to one plan for good.
//   <work>/box.id         32 hexadecimal digits
//   <work>/agent.lock
//   <work>/plan.digest
//   <work>/coordinator.txtpb  the coordinator that it was welcomed by last
//   <work>/run.json       settings for the children
//   <work>/runs/<BG>/     a trainer's run folder, and the agent's memory of it
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "interceptor/v1/worker_service.pb.h"

namespace interceptor::worker {

struct Box {
  std::string id;
  std::unique_ptr<File> lock;  // held as long as this lives
};

// Makes the folder when it is not there. FAILED_PRECONDITION when another agent holds it, DATA_LOSS when its
// id is damaged; both name the folder.
absl::StatusOr<Box> OpenBox(const FileSystem& files, const std::string& work);

std::string SettingsPath(const std::string& work);
std::string RunFolder(const std::string& work, const std::string& specialist);
// Of the integrating member: the joined tables, and the score tables that they are made of.
std::string ResultsFolder(const std::string& work);
std::string TablesFolder(const std::string& work);

// Makes the file hold `text`; one that does is left alone, so that coming back to a coordinator needs no room on
// the disk.
absl::Status KeepFile(const FileSystem& files, const std::string& path, const std::string& text);

// FAILED_PRECONDITION when the folder holds another plan's work.
absl::Status BindPlan(const FileSystem& files, const std::string& work, const std::string& plan_digest);

// Number 0 when it was welcomed by none yet. DATA_LOSS names a file that is damaged.
absl::StatusOr<v1::CoordinatorIncarnation> ReadLastCoordinator(const FileSystem& files,
                                                               const std::string& work);
absl::Status KeepLastCoordinator(const FileSystem& files, const std::string& work,
                                 const v1::CoordinatorIncarnation& coordinator);

struct DeviceFacts {
  std::string name;   // "cpu", "cuda:0"
  std::string model;  // for people; empty when unknown
};
// `asked` is cpu, cuda:N or auto, which is cuda:0 where the NVIDIA driver shows a GPU.
DeviceFacts FindDevice(const FileSystem& files, const std::string& asked);

}  // namespace interceptor::worker

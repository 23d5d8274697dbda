#include "tests/simulation/server_stream.h"

#include <utility>

#include "common/base/status.h"
#include "tests/simulation/coordinator_host.h"

namespace interceptor::simulation {

void ServerStream::OnUpdate(const Update& update) {
  if (finished_ && --reads_after_end_ < 0) return;
  if (update.number <= last_number_) return Close(InvalidArgument("updates are out of order"));
  last_number_ = update.number;
  if (!std::holds_alternative<worker::SendProgress>(update.body)) {
    host_.process().Tell(Cat("<- stream ", session_, " ", Describe(update)));
  }
  if (const auto* hello = std::get_if<HelloUpdate>(&update.body)) return HandleHello(*hello);
  if (session_ == 0) return Close(InvalidArgument("the first update must be hello"));
  const auto* publication = std::get_if<worker::SendPublication>(&update.body);
  host_.Submit(ToCommand(session_, update), [self = shared_from_this(), mutation = publication != nullptr,
                                             request = publication == nullptr ? "" : publication->request_id](
                                                const absl::StatusOr<coordinator::Reply>& reply) {
    if (mutation) {
      self->Write(MutationAnswer{request, reply.status()});
    } else if (!reply.ok() && !absl::IsResourceExhausted(reply.status())) {
      self->Close(reply.status());
    }
  });
}

void ServerStream::HandleHello(const HelloUpdate& hello) {
  session_ = host_.NewSession(shared_from_this(), hello.speaker.box);
  host_.Submit(coordinator::SessionOpened{session_, ToHello(hello)},
               [self = shared_from_this()](const absl::StatusOr<coordinator::Reply>& reply) {
                 if (!reply.ok()) return self->Close(reply.status());
                 self->Write(std::get<coordinator::Welcome>(*reply));
               });
}

void ServerStream::Write(const Directive& directive) {
  if (finished_) return;
  connection_->down->Send([connection = connection_, directive] { connection->on_directive(directive); });
}

void ServerStream::Close(const absl::Status& status) {
  if (std::exchange(finished_, true)) return;
  host_.process().Tell(Cat("closes stream ", session_, ": ", status));
  connection_->down->Close([connection = connection_, status] { connection->on_end(status); });
  if (session_ != 0) host_.EndSession(session_);
}

void ServerStream::OnEnd() {
  if (std::exchange(finished_, true)) return;
  connection_->down->Close([connection = connection_] { connection->on_end(absl::OkStatus()); });
  if (session_ != 0) host_.EndSession(session_);
}

void ServerStream::Lose(World& world, bool silent) {
  finished_ = true;
  reads_after_end_ = 0;
  const auto end = [connection = connection_] { connection->on_end(Unavailable("connection reset")); };
  connection_->down->Break(silent ? nullptr : std::function<void()>(end));
  if (silent) world.After(kKeepalive, end);
}

}  // namespace interceptor::simulation

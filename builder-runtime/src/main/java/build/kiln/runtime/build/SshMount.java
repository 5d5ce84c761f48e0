package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.dockerfile.Mount;
import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.rootfs.MountPoint;
import build.kiln.runtime.sandbox.StepMount;
import build.kiln.runtime.ssh.AgentServer;
import build.kiln.runtime.ssh.AgentSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * {@code RUN --mount=type=ssh}: the socket of an SSH agent. Without an agent of that id a step goes
 * without, or fails if it requires one. Which keys an agent has is no part of the step's key.
 */
final class SshMount implements RunMount {
  private static final String SOCKET = "agent";
  private static final int DEFAULT_MODE = 0600;

  private final BuildSession session;
  private final Mount mount;
  private final SourceRange range;
  private final String id;
  private final String written;
  private @Nullable Path folder;

  private SshMount(
      BuildSession session, Mount mount, SourceRange range, String id, String written) {
    this.session = session;
    this.mount = mount;
    this.range = range;
    this.id = id;
    this.written = written;
  }

  /**
   * @param number of the step's SSH mounts before it
   */
  static SshMount of(BuildSession session, Mount mount, Word spec, String workdir, int number) {
    String id = mount.id() == null ? "default" : mount.id();
    String target = mount.target() == null ? "/run/buildkit/ssh_agent." + number : mount.target();
    return new SshMount(session, mount, spec.range(), id, Paths.absolute(workdir, target));
  }

  @Override
  public SourceRange range() {
    return range;
  }

  @Override
  public String written() {
    return written;
  }

  @Override
  public boolean isDirectory() {
    return false;
  }

  @Override
  public void addTo(KeyHash hash) {
    hash.add("ssh").add(id).add(written).number(mount.required() ? 1 : 0);
    hash.number(mount.modeOr(DEFAULT_MODE)).number(mount.userId()).number(mount.groupId());
  }

  @Override
  public boolean open(StepMounts made, boolean mounting, BuildProgress.Activity activity)
      throws IOException, BuildException {
    Optional<AgentSource> agent = session.request().secrets().agent(id);
    if (agent.isEmpty()) {
      if (mount.required()) {
        throw new BuildException(
            FailureReason.SecretNotFound,
            StepProblems.text(
                range,
                "this step needs the SSH agent \"%s\", which the build was not given".formatted(id),
                "kiln build --ssh " + id));
      }
      return false;
    }
    Path own = session.store().scratch("ssh");
    folder = own;
    made.hold(() -> Files.deleteIfExists(own));
    AgentServer server = AgentServer.start(own.resolve(SOCKET), agent.get());
    made.hold(server::close);
    try (DirectoryHandle directory = DirectoryHandle.open(own)) {
      directory.chown(SOCKET, mount.userId(), mount.groupId());
      directory.chmod(SOCKET, mount.modeOr(DEFAULT_MODE));
    }
    made.environment("SSH_AUTH_SOCK", "/" + written);
    return true;
  }

  @Override
  public void mount(MountTarget target, StepMounts made) {
    Path socket = Objects.requireNonNull(folder).resolve(SOCKET).toAbsolutePath();
    RunMount.add(target, false, new StepMount.Bind("/" + target.path(), socket, false), made);
  }

  @Override
  public void place(MountTarget target, StepMounts made) {
    made.place(
        new MountPoint(
            target.path(),
            false,
            (parent, name) -> {
              try (DirectoryHandle from = DirectoryHandle.open(Objects.requireNonNull(folder))) {
                parent.makeLink(name, from, SOCKET);
              }
            }));
  }
}

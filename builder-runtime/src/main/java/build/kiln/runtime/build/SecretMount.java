package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.dockerfile.Mount;
import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.FileHandle;
import build.kiln.runtime.rootfs.MountPoint;
import build.kiln.runtime.sandbox.SecretVariable;
import build.kiln.runtime.sandbox.StepMount;
import java.io.IOException;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code RUN --mount=type=secret}: a file, a variable of the environment, or both. */
final class SecretMount implements RunMount {
  private static final String DEFAULT_DIRECTORY = "run/secrets";
  private static final int DEFAULT_MODE = 0400;

  private final BuildSecrets secrets;
  private final Mount mount;
  private final SourceRange range;
  private final String id;
  private final String written;
  private byte @Nullable [] content;

  private SecretMount(
      BuildSecrets secrets, Mount mount, SourceRange range, String id, String written) {
    this.secrets = secrets;
    this.mount = mount;
    this.range = range;
    this.id = id;
    this.written = written;
  }

  static SecretMount of(BuildSecrets secrets, Mount mount, Word spec, String workdir) {
    String id =
        Optional.ofNullable(mount.source())
            .or(() -> Optional.ofNullable(mount.id()))
            .or(() -> Optional.ofNullable(mount.target()).map(SecretMount::lastName))
            .orElseGet(() -> Objects.requireNonNull(mount.env()));
    String target;
    if (mount.target() != null) {
      target = Paths.absolute(workdir, mount.target());
    } else {
      target = mount.env() != null ? "" : DEFAULT_DIRECTORY + "/" + lastName(id);
    }
    return new SecretMount(secrets, mount, spec.range(), id, target);
  }

  private static String lastName(String path) {
    return LayerPaths.name(Paths.absolute("/", path));
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
  public boolean needsTarget() {
    return mount.env() == null || mount.target() != null;
  }

  @Override
  public boolean isDirectory() {
    return false;
  }

  /** Everything but the content: a new password is no new result. */
  @Override
  public void addTo(KeyHash hash) {
    hash.add("secret").add(id).add(written).add(mount.env());
    hash.number(mount.required() ? 1 : 0)
        .number(mount.modeOr(DEFAULT_MODE))
        .number(mount.userId())
        .number(mount.groupId());
  }

  @Override
  public boolean open(StepMounts made, boolean mounting, BuildProgress.Activity activity)
      throws IOException, BuildException {
    content = secrets.read(id).orElse(null);
    if (content == null) {
      if (mount.required()) {
        throw new BuildException(
            FailureReason.SecretNotFound,
            StepProblems.text(
                range,
                "this step needs the secret \"%s\", which the build was not given".formatted(id),
                "kiln build --secret id=%s,src=FILE".formatted(id)));
      }
      // As in BuildKit, the variable is set all the same.
      variable(made, new byte[0]);
      return false;
    }
    variable(made, content);
    return true;
  }

  private void variable(StepMounts made, byte[] value) throws BuildException {
    if (mount.env() != null) {
      try {
        made.variable(new SecretVariable(mount.env(), value));
      } catch (IllegalArgumentException e) {
        throw StepProblems.at(range, e);
      }
    }
  }

  @Override
  public void mount(MountTarget target, StepMounts made) {
    RunMount.add(
        target,
        false,
        new StepMount.Secret(
            "/" + target.path(),
            Objects.requireNonNull(content),
            mount.modeOr(DEFAULT_MODE),
            mount.userId(),
            mount.groupId()),
        made);
  }

  @Override
  public void place(MountTarget target, StepMounts made) {
    made.place(
        new MountPoint(
            target.path(),
            false,
            (parent, name) -> {
              byte[] bytes = Objects.requireNonNull(content);
              try (FileHandle file = parent.createFile(name, 0600)) {
                file.write(bytes, 0, bytes.length);
                file.chown(mount.userId(), mount.groupId());
                file.chmod(mount.modeOr(DEFAULT_MODE));
              }
            }));
  }
}

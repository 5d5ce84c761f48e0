package build.kiln.runtime.build;

import build.kiln.runtime.cache.FileInputs;
import build.kiln.runtime.cache.StepInputs;
import build.kiln.runtime.dockerfile.Mount;
import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.rootfs.MountPoint;
import build.kiln.runtime.sandbox.StepMount;
import java.io.IOException;
import java.nio.file.Path;

/**
 * {@code RUN --mount=type=bind}: files of the context, a stage or an image. What a step writes to
 * them, if it may, goes with the step.
 */
final class BindMount implements RunMount {
  private final BuildSession session;
  private final SourceRange range;
  private final String written;
  private final MountSource source;
  private final boolean readOnly;
  private final boolean holdsOthers;

  private BindMount(
      BuildSession session,
      SourceRange range,
      String written,
      MountSource source,
      boolean readOnly,
      boolean holdsOthers) {
    this.session = session;
    this.range = range;
    this.written = written;
    this.source = source;
    this.readOnly = readOnly;
    this.holdsOthers = holdsOthers;
  }

  /**
   * @param holdsOthers whether other mounts may be inside it
   * @param seen hears of the context's files that the step sees
   */
  static BindMount of(
      BuildSession session,
      CopyStep.Origin origin,
      Mount mount,
      Word spec,
      String workdir,
      boolean holdsOthers,
      FileInputs seen)
      throws IOException, BuildException {
    FileInputs told = origin.chain() == null ? seen : new FileInputs();
    return new BindMount(
        session,
        spec.range(),
        RunMount.written(mount, workdir),
        MountSource.of(origin, mount, spec, session, told),
        mount.readOnly(),
        holdsOthers);
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
    return source.isDirectory();
  }

  /** Whether it is of a stage or an image. */
  boolean isOfImage() {
    return source.chain() != null;
  }

  @Override
  public boolean addQuicklyTo(KeyHash hash) {
    if (source.chain() == null) {
      return false;
    }
    add(hash).add(source.chain()).add(source.path());
    return true;
  }

  @Override
  public void addTo(KeyHash hash) throws IOException {
    add(hash).add(source.digest());
  }

  @Override
  public void describe(StepInputs.Builder inputs) {
    KeyHash hash = add(new KeyHash("described.1")).add(source.path());
    // The context's files are told one by one.
    String chain = source.chain();
    inputs.setting(RunMount.name(this), (chain == null ? hash : hash.add(chain)).hex());
  }

  private KeyHash add(KeyHash hash) {
    return hash.add("bind").add(written).number(readOnly ? 1 : 0);
  }

  @Override
  public boolean open(StepMounts made, boolean mounting, BuildProgress.Activity activity) {
    return true;
  }

  @Override
  public void mount(MountTarget target, StepMounts made) throws IOException {
    Path files;
    if (readOnly && !holdsOthers) {
      files = session.mountFolders().shared(source);
    } else {
      // Mount points for others are made in it.
      files = session.mountFolders().copy(source);
      made.hold(() -> session.mountFolders().remove(files));
    }
    RunMount.add(
        target,
        isDirectory(),
        new StepMount.Bind("/" + target.path(), files.toAbsolutePath(), readOnly),
        made);
  }

  @Override
  public void place(MountTarget target, StepMounts made) {
    made.place(new MountPoint(target.path(), isDirectory(), source::copy));
  }
}

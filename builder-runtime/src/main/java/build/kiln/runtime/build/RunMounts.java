package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.CopyStep.Origin;
import build.kiln.runtime.cache.FileInputs;
import build.kiln.runtime.cache.StepInputs;
import build.kiln.runtime.dockerfile.Instruction.Run;
import build.kiln.runtime.dockerfile.Mount;
import build.kiln.runtime.dockerfile.MountOptions;
import build.kiln.runtime.dockerfile.Word;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The mounts of one RUN: what they depend on, and making them. */
final class RunMounts {
  private final BuildSession session;
  private final StageState state;
  private final List<RunMount> mounts;
  private final FileInputs files;

  /** Gives the files that {@code from=} means; null is the build context. */
  @FunctionalInterface
  interface Origins {
    Origin of(@Nullable Word from) throws BuildException, InterruptedException;
  }

  private RunMounts(
      BuildSession session, StageState state, List<RunMount> mounts, FileInputs files) {
    this.session = session;
    this.state = state;
    this.mounts = mounts;
    this.files = files;
  }

  /**
   * Reads the mounts of an expanded RUN, and waits for the stages that they take from.
   *
   * @throws BuildException if a source is not there
   */
  static RunMounts of(BuildSession session, StageState state, Run run, Origins origins)
      throws BuildException, InterruptedException, IOException {
    List<RunMount> mounts = new ArrayList<>();
    var files = new FileInputs();
    int sockets = 0;
    List<Mount> read = run.mounts().stream().map(MountOptions::resolve).toList();
    String workdir = state.config().workdir();
    for (int i = 0; i < read.size(); i++) {
      Mount mount = read.get(i);
      Word spec = run.mounts().get(i).spec();
      Word from = run.mounts().get(i).from().orElse(null);
      mounts.add(
          switch (mount.type()) {
            case BIND ->
                BindMount.of(
                    session,
                    origins.of(from),
                    mount,
                    spec,
                    workdir,
                    holdsOthers(mount, read, workdir),
                    files);
            case CACHE ->
                CacheMount.of(
                    session, from == null ? null : origins.of(from), mount, spec, workdir);
            case TMPFS -> TmpfsMount.of(mount, spec, workdir);
            case SECRET -> SecretMount.of(session.request().secrets(), mount, spec, workdir);
            case SSH -> SshMount.of(session, mount, spec, workdir, sockets++);
          });
    }
    // The outer ones first, as BuildKit has it.
    mounts.sort((a, b) -> a.written().compareTo(b.written()));
    return new RunMounts(session, state, mounts, files);
  }

  private static boolean holdsOthers(Mount mount, List<Mount> all, String workdir) {
    String outer = RunMount.written(mount, workdir) + "/";
    return all.stream().anyMatch(m -> RunMount.written(m, workdir).startsWith(outer));
  }

  boolean isEmpty() {
    return mounts.isEmpty();
  }

  /**
   * Adds what the mounts have to do with the result, and more, where that is cheap to get.
   *
   * @return false if it is not
   */
  boolean addQuicklyTo(KeyHash hash) throws IOException {
    hash.number(mounts.size());
    for (RunMount mount : mounts) {
      if (!mount.addQuicklyTo(hash)) {
        return false;
      }
    }
    return true;
  }

  /** Whether a mount's content is a part of the result's key, and known without reading it. */
  boolean haveQuickKey() {
    return mounts.stream().anyMatch(m -> m instanceof BindMount bind && bind.isOfImage());
  }

  /** Adds what the mounts have to do with the result. */
  void addTo(KeyHash hash) throws IOException {
    hash.number(mounts.size());
    for (RunMount mount : mounts) {
      mount.addTo(hash);
    }
  }

  /** Says what the mounts have to do with the result; of files only once they were read. */
  void describe(StepInputs.Builder inputs) throws IOException {
    inputs.files(files);
    for (RunMount mount : mounts) {
      mount.describe(inputs);
    }
  }

  /**
   * Makes what the step will see.
   *
   * @param mounting whether the sandbox can mount; else contents are to be placed in the root
   */
  StepMounts prepare(boolean mounting, BuildProgress.Activity activity)
      throws IOException, BuildException, InterruptedException {
    var made = new StepMounts();
    try {
      Set<RunMount> opened = new HashSet<>();
      for (RunMount mount :
          mounts.stream().sorted((a, b) -> a.openingOrder().compareTo(b.openingOrder())).toList()) {
        if (mount.open(made, mounting, activity) && mount.needsTarget()) {
          opened.add(mount);
        }
      }
      List<MountTarget> targets = new ArrayList<>();
      for (RunMount mount : mounts) {
        if (opened.contains(mount)) {
          targets.add(add(mount, mounting, targets, made));
        }
      }
      return made;
    } catch (IOException | BuildException | InterruptedException | RuntimeException e) {
      try {
        made.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  private MountTarget add(
      RunMount mount, boolean mounting, List<MountTarget> targets, StepMounts made)
      throws IOException, BuildException {
    MountTarget target =
        MountTarget.resolve(
            mount.written(), state.files()::lookup, targets, mount.isDirectory(), mount.range());
    if (mounting) {
      mount.mount(target, made);
    } else if (target.ofTheSandbox()) {
      throw new BuildException(
          FailureReason.IsolationUnavailable,
          StepProblems.text(
              mount.range(),
              "the chroot tier cannot mount on /" + target.path(),
              "choose another target, or an isolation of Namespaces"));
    } else {
      mount.place(target, made);
    }
    return target;
  }
}

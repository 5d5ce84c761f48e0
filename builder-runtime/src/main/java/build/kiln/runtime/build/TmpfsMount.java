package build.kiln.runtime.build;

import build.kiln.runtime.dockerfile.Mount;
import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.rootfs.MountPoint;
import build.kiln.runtime.sandbox.StepMount;

/**
 * {@code RUN --mount=type=tmpfs}: an empty directory whose content goes with the step. Where
 * nothing can be mounted it is one on disk, and its size has no limit.
 */
record TmpfsMount(SourceRange range, String written, long size) implements RunMount {
  private static final int MODE = 01777;

  static TmpfsMount of(Mount mount, Word spec, String workdir) {
    return new TmpfsMount(spec.range(), RunMount.written(mount, workdir), mount.sizeLimit());
  }

  @Override
  public boolean isDirectory() {
    return true;
  }

  @Override
  public void addTo(KeyHash hash) {
    hash.add("tmpfs").add(written).number(size);
  }

  @Override
  public boolean open(StepMounts made, boolean mounting, BuildProgress.Activity activity) {
    return true;
  }

  @Override
  public void mount(MountTarget target, StepMounts made) {
    RunMount.add(target, true, new StepMount.Tmpfs("/" + target.path(), size), made);
  }

  @Override
  public void place(MountTarget target, StepMounts made) {
    made.place(
        new MountPoint(
            target.path(),
            true,
            (parent, name) -> {
              parent.makeDirectory(name, 0700);
              parent.chmod(name, MODE);
            }));
  }
}

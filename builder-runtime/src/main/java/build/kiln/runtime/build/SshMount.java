package build.kiln.runtime.build;

import build.kiln.runtime.dockerfile.Mount;
import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.dockerfile.Word;

/**
 * {@code RUN --mount=type=ssh}: no build is given an agent as yet, so a step goes without, or fails
 * if it requires one.
 */
record SshMount(SourceRange range, String id, boolean required) implements RunMount {
  static SshMount of(Mount mount, Word spec) {
    return new SshMount(
        spec.range(), mount.id() == null ? "default" : mount.id(), mount.required());
  }

  @Override
  public String written() {
    return "";
  }

  @Override
  public boolean isDirectory() {
    return false;
  }

  @Override
  public void addTo(KeyHash hash) {
    hash.add("ssh").add(id).number(required ? 1 : 0);
  }

  @Override
  public boolean open(StepMounts made, boolean mounting, BuildProgress.Activity activity)
      throws BuildException {
    if (required) {
      throw StepProblems.at(
          range,
          "this step needs the SSH agent \"%s\"; forwarding one is not supported yet".formatted(id),
          "mount a deploy key as a secret: --mount=type=secret,id=key,target=/root/.ssh/id_ed25519");
    }
    return false;
  }

  @Override
  public void mount(MountTarget target, StepMounts made) {
    throw new IllegalStateException("there is no agent");
  }

  @Override
  public void place(MountTarget target, StepMounts made) {
    throw new IllegalStateException("there is no agent");
  }
}

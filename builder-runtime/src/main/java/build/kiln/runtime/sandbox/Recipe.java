package build.kiln.runtime.sandbox;

/** Ways to make namespaces, the strongest first. Each was needed by some shape of pod. */
enum Recipe {
  /** The step gets a new /proc: at a desk, and where the pod's /proc is unmasked. */
  NEW_PROC("own /proc", true, false, true),
  /** As before, after what masks the builder's /proc is taken away: needs CAP_SYS_ADMIN. */
  UNMASKED_PROC("own /proc, the builder's unmasked first", true, true, true),
  /** As before, where a seccomp profile has mount(2) but not pivot_root(2). */
  UNMASKED_PROC_NO_PIVOT("own /proc, no pivot_root", true, true, false),
  /** The kernel does not allow a new /proc while the builder's own is masked. */
  INHERITED_PROC("the builder's /proc, itself hidden", false, false, true);

  private final String text;
  private final boolean newProc;
  private final boolean unmask;
  private final boolean pivot;

  Recipe(String text, boolean newProc, boolean unmask, boolean pivot) {
    this.text = text;
    this.newProc = newProc;
    this.unmask = unmask;
    this.pivot = pivot;
  }

  boolean newProc() {
    return newProc;
  }

  boolean unmask() {
    return unmask;
  }

  boolean pivot() {
    return pivot;
  }

  @Override
  public String toString() {
    return text;
  }
}

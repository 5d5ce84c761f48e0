package build.kiln.runtime.build;

import build.kiln.runtime.dockerfile.IgnoreFile;
import org.jspecify.annotations.Nullable;

/**
 * What of a directory's content is copied: what {@code --parents} asks for, without what {@code
 * --exclude} leaves out. Patterns see paths below the directory; the directory itself, or a file
 * that a source names, is always taken.
 *
 * @param included what is asked for; null for everything
 */
record Selection(IgnoreFile.@Nullable Scope included, IgnoreFile.Scope excluded) {

  /** Everything. */
  static final Selection ALL = of(null, IgnoreFile.none());

  /** At a directory that is a source, or at a pivot. */
  static Selection of(@Nullable IgnoreFile included, IgnoreFile excluded) {
    return new Selection(included == null ? null : included.root(), excluded.root());
  }

  /** At what is called that in this directory. */
  Selection child(String name) {
    return new Selection(included == null ? null : included.child(name), excluded.child(name));
  }

  /** Whether it is copied for itself. */
  boolean takes() {
    return (included == null || included.excluded()) && !excluded.excluded();
  }

  /** Whether something below this directory may be copied. */
  boolean mayTakeBelow() {
    return (included == null || included.excluded() || included.mayMatchBelow())
        && excluded.mayContainIncluded();
  }
}

package build.kiln.runtime.context;

import org.eclipse.jgit.lib.Config;
import org.eclipse.jgit.storage.file.FileBasedConfig;
import org.eclipse.jgit.storage.file.WindowCacheConfig;
import org.eclipse.jgit.util.FS;
import org.eclipse.jgit.util.SystemReader;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the machine out of JGit, for the whole process: no system's or user's Git configuration
 * (which could rewrite URLs or run credential helpers), no GIT_ variables, nothing written to a
 * home directory. The same manifest gives the same build everywhere.
 */
final class GitIsolation extends SystemReader.Delegate {
  /** Files above this are streamed instead of being read whole, in bytes. */
  private static final int STREAM_FROM = 4 * 1024 * 1024;

  private static boolean installed;

  private GitIsolation(SystemReader machine) {
    super(machine);
  }

  static synchronized void install() {
    if (!installed) {
      SystemReader.setInstance(new GitIsolation(SystemReader.getInstance()));
      var cache = new WindowCacheConfig();
      cache.setStreamFileThreshold(STREAM_FROM);
      cache.install();
      installed = true;
    }
  }

  @Override
  public @Nullable String getenv(String variable) {
    return variable.startsWith("GIT_") || variable.startsWith("XDG_")
        ? null
        : super.getenv(variable);
  }

  @Override
  public FileBasedConfig openSystemConfig(@Nullable Config parent, FS fs) {
    return new NoFile(parent, fs);
  }

  @Override
  public FileBasedConfig openUserConfig(@Nullable Config parent, FS fs) {
    return new NoFile(parent, fs);
  }

  @Override
  public FileBasedConfig openJGitConfig(@Nullable Config parent, FS fs) {
    return new NoFile(parent, fs);
  }

  /** A configuration that is in no file. */
  private static final class NoFile extends FileBasedConfig {
    @SuppressWarnings("NullAway") // JGit takes null for "no file", as its own empty configs do
    NoFile(@Nullable Config parent, FS fs) {
      super(parent, null, fs);
    }

    @Override
    public void load() {}

    @Override
    public void save() {}

    @Override
    public boolean isOutdated() {
      return false;
    }
  }
}

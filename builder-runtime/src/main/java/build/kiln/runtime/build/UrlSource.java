package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.cache.FileInputs;
import build.kiln.runtime.cache.StepInputs;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.registry.HttpFiles;
import build.kiln.runtime.registry.HttpFiles.Download;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A file that ADD downloads: mode 0600, dated as the server dates it, and named as the last part of
 * the URL's path. Its content decides the key; with {@code --checksum} that is known before it is
 * downloaded, so that a step in the cache asks no server.
 */
final class UrlSource implements CopySource {
  private static final int MODE = 0600;

  /** What a URL without a file's name in it makes, as BuildKit calls it. */
  private static final String UNNAMED = "__unnamed__";

  private final BuildSession session;
  private final Word word;
  private final URI url;
  private final String name;
  private final @Nullable Digest checksum;
  private final @Nullable Word checksumWord;
  private final boolean unpacks;
  private @Nullable Path folder;
  private @Nullable Download download;

  /**
   * @throws BuildException if the URL or the checksum is none
   */
  UrlSource(BuildSession session, Word word, @Nullable Word checksum, boolean unpacks)
      throws BuildException {
    this.session = session;
    this.word = word;
    this.url = url(word);
    this.name = name(word, url);
    this.checksum = checksum == null ? null : digest(checksum);
    this.checksumWord = checksum;
    this.unpacks = unpacks;
  }

  private static URI url(Word word) throws BuildException {
    try {
      return HttpFiles.parse(word.text());
    } catch (IllegalArgumentException e) {
      throw StepProblems.at(
          word.range(),
          "cannot ADD this URL: " + e.getMessage(),
          "http://host/path or https://host/path; for what needs credentials use RUN with a secret");
    }
  }

  private static String name(Word word, URI url) throws BuildException {
    String path = url.getPath() == null ? "" : url.getPath();
    String last = path.replaceFirst("/+$", "");
    last = last.substring(last.lastIndexOf('/') + 1);
    if (last.equals("..") || last.indexOf('\0') >= 0) {
      throw StepProblems.at(
          word.range(), "the URL's path ends with no file name", "remove \"..\" from it");
    }
    return last.isEmpty() || last.equals(".") ? UNNAMED : last;
  }

  private static Digest digest(Word word) throws BuildException {
    try {
      Digest digest = Digest.parse(word.text());
      if (digest.algorithm().equals("sha256")) {
        return digest;
      }
    } catch (OciException e) {
      // Told below, with what is wanted.
    }
    throw StepProblems.at(
        word.range(),
        "--checksum of a URL is no SHA-256 digest: \"%s\"".formatted(word),
        "sha256: and 64 of the digits 0-9a-f");
  }

  @Override
  public Word word() {
    return word;
  }

  @Override
  public boolean unpacks() {
    return unpacks;
  }

  @Override
  public void addTo(KeyHash key, FileInputs seen) throws IOException, BuildException {
    key.add("url").add(name).add(digest().toString());
  }

  @Override
  public void describe(StepInputs.Builder inputs) throws IOException, BuildException {
    inputs.setting("the content of the URL's file " + name, digest());
  }

  private Digest digest() throws IOException, BuildException {
    return checksum != null ? checksum : downloaded().digest();
  }

  @Override
  public Picked pick() throws IOException, BuildException {
    Download done = downloaded();
    EntryMeta entry = EntryMeta.file(name, MODE, 0, 0, done.lastModified().orElse(0), done.size());
    return new Picked(
        new HashingTree(new OneFile(entry, file())),
        List.of(new Sources.Match(name, entry)),
        Selection.ALL,
        OptionalLong.empty());
  }

  private Path file() throws IOException {
    if (folder == null) {
      folder = session.store().scratch("url");
    }
    return folder.resolve("content");
  }

  private Download downloaded() throws IOException, BuildException {
    if (download == null) {
      download = fetch();
    }
    return download;
  }

  private Download fetch() throws IOException, BuildException {
    BuildProgress.Activity activity = session.progress().internal("download " + name);
    try {
      Download done =
          session
              .files()
              .get(
                  url,
                  file(),
                  HttpFiles.MOST_BYTES,
                  (sofar, total) -> activity.transfer(name, sofar, total));
      verify(done);
      activity.done();
      return done;
    } catch (RegistryException e) {
      activity.failed(e.getMessage());
      FailureReason reason =
          switch (e.code()) {
            case UNAVAILABLE -> FailureReason.SourceUnavailable;
            case UNAUTHORIZED, DENIED -> FailureReason.Unauthorized;
            case NOT_FOUND, INVALID, UNSUPPORTED -> FailureReason.StepFailed;
          };
      throw new BuildException(
          reason, StepProblems.text(word.range(), Failures.message(e), null), e);
    } catch (IOException | BuildException e) {
      activity.failed(e.getMessage());
      throw e;
    }
  }

  private void verify(Download done) throws BuildException {
    if (checksum != null && checksumWord != null && !checksum.equals(done.digest())) {
      throw StepProblems.at(
          checksumWord.range(),
          "%s has the digest %s, not %s".formatted(word, done.digest(), checksum),
          "if the new content is right, write its digest here");
    }
  }

  @Override
  public void close() throws IOException {
    if (folder != null) {
      Files.deleteIfExists(folder.resolve("content"));
      Files.deleteIfExists(folder);
    }
  }

  /** The downloaded file alone. */
  private record OneFile(EntryMeta entry, Path file) implements FileTree {
    @Override
    public Optional<EntryMeta> lookup(String path) {
      return path.isEmpty()
          ? Optional.of(EntryMeta.directory("", 0755, 0, 0, 0))
          : Optional.of(entry).filter(e -> e.path().equals(path));
    }

    @Override
    public List<EntryMeta> children(String path) {
      return path.isEmpty() ? List.of(entry) : List.of();
    }

    @Override
    public InputStream open(EntryMeta asked) throws IOException {
      return Files.newInputStream(file);
    }
  }
}

package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.registry.RegistryException.Code;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.zip.GZIPInputStream;

/**
 * Downloads files that somebody names by their URLs, and sends some, with the proxies, authorities,
 * insecure hosts, timeouts and retries that registries are reached with. Downloads never have
 * credentials. Thread-safe.
 */
public final class HttpFiles {
  /**
   * The most that a user's URL may give: a server without an end must not fill the disk. 64 GiB.
   */
  public static final long MOST_BYTES = 64L << 30;

  private static final String SENDING = "send ";
  private static final int TELL_EVERY = 1024 * 1024;
  private static final int MOST_REDIRECTS = 10;
  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

  private final HttpTransport transport;
  private final RegistryConfig config;
  private final Retries retries;
  private final Clock clock;

  /**
   * What was downloaded.
   *
   * @param lastModified in seconds since the epoch; empty if the server does not say
   */
  public record Download(Digest digest, long size, OptionalLong lastModified) {}

  /** Hears how far a download is, now and then. */
  @FunctionalInterface
  public interface Progress {
    /**
     * @param total in bytes; 0 if it is not known
     */
    void at(long done, long total);
  }

  /** The file's own disk failed, not the network: nothing to try again. */
  private static final class LocalFailure extends IOException {
    LocalFailure(IOException cause) {
      super(cause);
    }
  }

  HttpFiles(HttpTransport transport, RegistryConfig config, Retries retries, Clock clock) {
    this.transport = transport;
    this.config = config;
    this.retries = retries;
    this.clock = clock;
  }

  /**
   * Reads an http or https URL as people write them; its fragment is dropped.
   *
   * @throws IllegalArgumentException if it is none, or holds credentials; the message says so
   *     without them
   */
  public static URI parse(String url) {
    URI uri;
    try {
      uri = new URI(Urls.escaped(url.replaceFirst("#.*", "")));
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException("it is not a URL: " + e.getReason());
    }
    if (!Urls.isHttp(uri)) {
      throw new IllegalArgumentException("it is not an http or https URL with a host");
    }
    if (uri.getRawUserInfo() != null) {
      throw new IllegalArgumentException("it holds credentials");
    }
    return uri;
  }

  /**
   * Downloads a file and hashes it on the way. What a server sends compressed for the transfer only
   * ({@code Content-Encoding: gzip}) is unpacked.
   *
   * @param file where to; what is there is replaced
   * @param most the most bytes that the file may have
   * @throws RegistryException NOT_FOUND, UNAUTHORIZED or DENIED if the server refuses, UNAVAILABLE,
   *     INVALID
   */
  public Download get(URI url, Path file, long most, Progress progress) throws IOException {
    String doing = "get " + label(url);
    try {
      return retries.run(doing, retries.attempts(), () -> once(doing, url, file, most, progress));
    } catch (LocalFailure e) {
      throw e.getCause() instanceof IOException disk ? disk : e;
    }
  }

  /**
   * Sends a file with PUT.
   *
   * @param authorization the header's value; empty for none
   * @throws RegistryException as of {@link #get}; a redirect is not followed
   */
  public void put(URI url, String contentType, byte[] content, Optional<String> authorization)
      throws IOException {
    String doing = SENDING + label(url);
    retries.run(
        doing,
        retries.attempts(),
        () -> {
          HttpCall call =
              new HttpCall("PUT", url, Map.of(), HttpCall.Body.of(contentType, content), null)
                  .withAuthorization(authorization);
          allow(url);
          try (HttpReply reply = transport.send(call, Reach.REGISTRY)) {
            if (reply.status() < 200 || reply.status() > 299) {
              throw refused(doing, reply);
            }
            return true;
          } catch (Reach.Refused e) {
            throw new RegistryException(
                Code.INVALID,
                "tried to %s, where it must not go: %s".formatted(doing, e.getMessage()),
                e);
          } catch (RegistryException e) {
            throw e;
          } catch (IOException e) {
            throw Failures.of(doing, Origin.of(url).authority(), e);
          }
        });
  }

  private Download once(String doing, URI url, Path file, long most, Progress progress)
      throws IOException {
    try (HttpReply reply = follow(doing, url)) {
      if (reply.status() < 200 || reply.status() > 299) {
        throw refused(doing, reply);
      }
      return save(doing, reply, file, most, progress);
    } catch (Reach.Refused e) {
      throw new RegistryException(
          Code.INVALID,
          "tried to %s but was sent where it must not go: %s".formatted(doing, e.getMessage()),
          e);
    } catch (LocalFailure e) {
      throw e;
    } catch (IOException e) {
      throw Failures.of(doing, Origin.of(url).authority(), e);
    }
  }

  private HttpReply follow(String doing, URI url) throws IOException {
    URI at = url;
    for (int hop = 0; hop <= MOST_REDIRECTS; hop++) {
      HttpCall call = HttpCall.of("GET", at, Map.of("Accept", "*/*"));
      Reach reach = reach(url, at);
      allow(at);
      HttpReply reply = transport.send(call, reach);
      Optional<String> location = reply.header("Location");
      if (location.isEmpty() || !REDIRECTS.contains(reply.status())) {
        return reply;
      }
      try (reply) {
        at = target(doing, at, location.get());
      }
    }
    throw new RegistryException(
        Code.INVALID,
        "tried to %s but there are more than %d redirects".formatted(doing, MOST_REDIRECTS));
  }

  /** The user's own URL may lead anywhere; where a stranger sends us may not. */
  private Reach reach(URI url, URI at) {
    Origin origin = Origin.of(url);
    if (origin.equals(Origin.of(at))) {
      return Reach.REGISTRY;
    }
    return Addresses.isPublic(origin, config.proxies()) ? Reach.PUBLIC_ONLY : Reach.NOT_LINK_LOCAL;
  }

  private void allow(URI at) {
    Origin origin = Origin.of(at);
    if (origin.scheme().equals("https") && isInsecure(at)) {
      transport.allowInsecure(origin);
    }
  }

  private boolean isInsecure(URI at) {
    return config.isInsecure(at.getRawAuthority());
  }

  private URI target(String doing, URI from, String location) throws RegistryException {
    URI to;
    try {
      to = from.resolve(new URI(Urls.escaped(location)));
    } catch (URISyntaxException | IllegalArgumentException e) {
      throw redirect(doing, "that is not a URL");
    }
    if (!Urls.isHttp(to)) {
      throw redirect(doing, "that is not an http or https URL");
    }
    if (to.getRawUserInfo() != null) {
      throw redirect(doing, "that holds credentials");
    }
    if (Urls.leavesTls(from, to) && !isInsecure(to)) {
      throw redirect(doing, "that leads from TLS to plain HTTP, at " + to.getHost());
    }
    return to;
  }

  private static RegistryException redirect(String doing, String why) {
    return new RegistryException(
        Code.INVALID, "tried to %s but was redirected to a place %s".formatted(doing, why));
  }

  private static Download save(
      String doing, HttpReply reply, Path file, long most, Progress progress) throws IOException {
    MessageDigest hash = Digest.sha256();
    boolean packed = reply.header("Content-Encoding").filter("gzip"::equalsIgnoreCase).isPresent();
    long total = packed ? 0 : reply.contentLength().orElse(0);
    if (total > most) {
      throw tooLarge(doing, most);
    }
    long done = 0;
    long told = 0;
    try (InputStream in = packed ? new GZIPInputStream(reply.body()) : reply.body();
        OutputStream out = create(file)) {
      byte[] buffer = new byte[128 * 1024];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        done += n;
        if (done > most) {
          throw tooLarge(doing, most);
        }
        hash.update(buffer, 0, n);
        write(out, buffer, n);
        if (done - told >= TELL_EVERY) {
          told = done;
          progress.at(done, total);
        }
      }
    }
    OptionalLong modified =
        reply.header("Last-Modified").map(Urls::time).orElse(OptionalLong.empty());
    return new Download(Digest.fromSha256(hash.digest()), done, modified);
  }

  private static OutputStream create(Path file) throws LocalFailure {
    try {
      return Files.newOutputStream(file);
    } catch (IOException e) {
      throw new LocalFailure(e);
    }
  }

  private static void write(OutputStream out, byte[] buffer, int length) throws LocalFailure {
    try {
      out.write(buffer, 0, length);
    } catch (IOException e) {
      throw new LocalFailure(e);
    }
  }

  private static RegistryException tooLarge(String doing, long most) {
    return new RegistryException(
        Code.INVALID, "tried to %s but it has more than %d bytes".formatted(doing, most));
  }

  private RegistryException refused(String doing, HttpReply reply) {
    int status = reply.status();
    Code code =
        switch (status) {
          case 401, 407 -> Code.UNAUTHORIZED;
          case 403 -> Code.DENIED;
          case 404, 410 -> Code.NOT_FOUND;
          case 408, 429 -> Code.UNAVAILABLE;
          default -> status >= 500 ? Code.UNAVAILABLE : Code.INVALID;
        };
    String why =
        switch (code) {
          case NOT_FOUND -> "it is not there (status %d); check the URL";
          case UNAUTHORIZED, DENIED ->
              status == 407
                  ? "the proxy wants credentials (status %d); check its user name and password"
                  : doing.startsWith(SENDING)
                      ? "it refuses the credentials (status %d), or wants some; check the Secret"
                      : "it wants credentials (status %d), and none are ever sent; get it in a RUN with a secret";
          case UNAVAILABLE -> "the server fails at present (status %d)";
          case INVALID, UNSUPPORTED -> "the server answers with status %d";
        };
    return new RegistryException(
        code,
        "tried to " + doing + " but " + why.formatted(status),
        null,
        status,
        null,
        Failures.retryAfter(reply, clock).orElse(null));
  }

  /** The URL without its query, which may hold a token. */
  private static String label(URI url) {
    String path = url.getRawPath() == null ? "" : url.getRawPath();
    return Failures.printable(url.getScheme() + "://" + url.getRawAuthority() + path, 500);
  }
}

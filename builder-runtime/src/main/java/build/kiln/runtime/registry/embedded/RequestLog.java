package build.kiln.runtime.registry.embedded;

import java.net.URI;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** The requests a registry got, oldest first; the last 100,000 of them. Thread-safe. */
public final class RequestLog {
  private static final int LIMIT = 100_000;

  /** A request as it came, before any fault or check. Its text leaves out headers and query. */
  public record Request(String method, URI uri, Map<String, List<String>> headers) {
    public Request {
      Map<String, List<String>> copy = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
      headers.forEach((name, values) -> copy.put(name, List.copyOf(values)));
      headers = copy;
    }

    /** A header's first value; the name's case does not matter. */
    public Optional<String> header(String name) {
      return headers.getOrDefault(name, List.of()).stream().findFirst();
    }

    @Override
    public String toString() {
      return method + " " + uri.getPath();
    }
  }

  private final Deque<Request> requests = new ArrayDeque<>();

  RequestLog() {}

  synchronized void add(Request request) {
    if (requests.size() == LIMIT) {
      requests.removeFirst();
    }
    requests.addLast(request);
  }

  /** All of them. */
  public synchronized List<Request> all() {
    return List.copyOf(requests);
  }

  /**
   * Those that match.
   *
   * @param method such as GET, or {@code *}
   * @param pathPattern a regular expression found anywhere in the path, without the query
   */
  public List<Request> matching(String method, String pathPattern) {
    Pattern pattern = Pattern.compile(pathPattern);
    return all().stream()
        .filter(r -> method.equals("*") || method.equals(r.method()))
        .filter(r -> pattern.matcher(r.uri().getPath()).find())
        .toList();
  }

  /** How many match. */
  public int count(String method, String pathPattern) {
    return matching(method, pathPattern).size();
  }

  public synchronized void clear() {
    requests.clear();
  }
}

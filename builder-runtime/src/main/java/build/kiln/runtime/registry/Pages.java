package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryException.Code;
import build.kiln.runtime.registry.Requester.Request;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Lists that come in pages, each with a Link to the next (RFC 8288, as distribution uses it). */
final class Pages {
  private static final int LIMIT = 64 << 20;
  private static final int MOST_PAGES = 10_000;
  private static final Pattern NEXT =
      Pattern.compile("<([^>]*)>\\s*;[^,]*\\brel=\"?next\"?", Pattern.CASE_INSENSITIVE);

  /**
   * What is listed.
   *
   * @param doing what is being tried, after "tried to"
   * @param path of the first page, with its query
   * @param scopes what a token must be good for
   * @param ifAbsent whether a 404 is an answer
   */
  record Listing(
      String doing,
      Endpoint endpoint,
      Reference repository,
      String path,
      List<Scope> scopes,
      boolean ifAbsent) {}

  /** Takes a page. */
  interface Visitor {
    /**
     * @param linked whether the page has a Link
     * @return the path to go on with if it has none
     */
    Optional<String> page(JsonNode document, boolean linked) throws IOException;
  }

  private record Page(int status, JsonNode document, Optional<URI> next) {}

  private final Requester requester;
  private final Sites sites;

  Pages(Requester requester, Sites sites) {
    this.requester = requester;
    this.sites = sites;
  }

  /**
   * The first page, if no Link leads on. Tried once.
   *
   * @return empty if one does
   */
  Optional<JsonNode> only(Listing listing) throws IOException {
    Page page = requester.callOnce(request(listing, listing.path), reply -> read(listing, reply));
    return page.next.isPresent() ? Optional.empty() : Optional.of(page.document);
  }

  /**
   * Goes through all pages.
   *
   * @return empty, or what a 404 came with if that is an answer
   */
  Optional<JsonNode> visit(Listing listing, Visitor visitor) throws IOException {
    Set<String> visited = new HashSet<>();
    Optional<String> target = Optional.of(listing.path);
    while (target.isPresent()) {
      if (!visited.add(target.get())) {
        throw invalid(listing, "its pages lead in a circle");
      }
      if (visited.size() > MOST_PAGES) {
        throw invalid(listing, "it has more than " + MOST_PAGES + " pages");
      }
      Page page = requester.call(request(listing, target.get()), reply -> read(listing, reply));
      if (page.status == 404) {
        return Optional.of(page.document);
      }
      Optional<String> otherwise = visitor.page(page.document, page.next.isPresent());
      target = page.next.map(URI::toString).or(() -> otherwise);
    }
    return Optional.empty();
  }

  private static Request request(Listing listing, String target) {
    Request plain =
        Request.of(listing.doing, listing.endpoint, listing.repository, "GET", target)
            .scopes(listing.scopes);
    return listing.ifAbsent ? plain.expecting(200, 404) : plain;
  }

  private Page read(Listing listing, HttpReply reply) throws IOException {
    byte[] bytes = reply.bytes(LIMIT);
    JsonNode answer;
    try {
      answer = Json.tree(bytes, "the list");
    } catch (OciException e) {
      if (reply.status() == 404) {
        return new Page(404, Json.mapper().createObjectNode(), Optional.empty());
      }
      throw invalid(listing, "its answer is not JSON");
    }
    Optional<URI> next = Optional.empty();
    for (String link : reply.headers("Link")) {
      Matcher matcher = NEXT.matcher(link);
      if (matcher.find()) {
        next = Optional.of(next(sites.site(listing.endpoint), reply.uri(), matcher.group(1)));
      }
    }
    return new Page(reply.status(), answer, next);
  }

  /** A registry that does not know its own name gives pages one that leads nowhere. */
  private static URI next(Site site, URI from, String link) throws RegistryException {
    if (link.isBlank()) {
      return site.accept(from, ":", "next page");
    }
    URI next = site.accept(from, link, "next page");
    String query = next.getRawQuery();
    return site.owns(next)
        ? next
        : site.resolve(next.getRawPath() + (query == null ? "" : "?" + query));
  }

  private static RegistryException invalid(Listing listing, String why) {
    return new RegistryException(
        Code.INVALID,
        "tried to "
            + listing.doing
            + " on "
            + listing.endpoint.authority()
            + " but "
            + why
            + "; is this a registry?");
  }
}

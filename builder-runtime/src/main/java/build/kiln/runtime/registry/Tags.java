package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryException.Code;
import build.kiln.runtime.registry.Requester.Request;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The tags of a repository, page by page (distribution-spec 1.1, end-8). */
final class Tags {
  private static final int PAGE = 1000;
  private static final int LIMIT = 64 << 20;
  private static final Pattern NEXT =
      Pattern.compile("<([^>]*)>\\s*;[^,]*\\brel=\"?next\"?", Pattern.CASE_INSENSITIVE);

  private record Page(List<String> tags, Optional<URI> next) {}

  private final Requester requester;
  private final Sites sites;

  Tags(Requester requester, Sites sites) {
    this.requester = requester;
    this.sites = sites;
  }

  List<String> list(Reference repository) throws IOException {
    Endpoint endpoint = sites.upstream(repository);
    String doing = "list the tags of " + repository.name();
    String path = "/v2/" + endpoint.repository(repository).repository() + "/tags/list?n=" + PAGE;
    Set<String> all = new LinkedHashSet<>();
    Set<String> visited = new HashSet<>();
    Optional<String> target = Optional.of(path);
    while (target.isPresent()) {
      if (!visited.add(target.get())) {
        throw invalid(doing, endpoint, "its pages lead in a circle");
      }
      Request request = Request.of(doing, endpoint, repository, "GET", target.get());
      Page page = requester.call(request, reply -> read(doing, endpoint, reply));
      boolean grew = all.addAll(page.tags);
      target = page.next.map(URI::toString);
      // Some registries keep to the page size but say no Link; then the last tag goes on.
      if (target.isEmpty() && page.tags.size() == PAGE && grew) {
        target =
            Optional.of(
                path + "&last=" + URLEncoder.encode(page.tags.getLast(), StandardCharsets.UTF_8));
      }
    }
    return List.copyOf(all);
  }

  private Page read(String doing, Endpoint endpoint, HttpReply reply) throws IOException {
    byte[] bytes = reply.bytes(LIMIT);
    JsonNode answer;
    try {
      answer = Json.read(bytes, JsonNode.class, "the list");
    } catch (OciException e) {
      throw invalid(doing, endpoint, "its answer is not JSON");
    }
    List<String> tags = new ArrayList<>();
    // Null for a repository that lost its last tag.
    answer.path("tags").forEach(tag -> tags.add(tag.asText()));
    Optional<URI> next = Optional.empty();
    for (String link : reply.headers("Link")) {
      Matcher matcher = NEXT.matcher(link);
      if (matcher.find()) {
        next = Optional.of(sites.site(endpoint).accept(reply.uri(), matcher.group(1), "next page"));
      }
    }
    return new Page(tags, next);
  }

  private static RegistryException invalid(String doing, Endpoint endpoint, String why) {
    return new RegistryException(
        Code.INVALID,
        "tried to "
            + doing
            + " on "
            + endpoint.authority()
            + " but "
            + why
            + "; is this a registry?");
  }
}

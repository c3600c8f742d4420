/*---
grain       = "one row per submitted review"
materialize = "view"
description = "Whether a review counts for its change (not the author's, not a bot's) is decided in core.changes."
---*/
select
    reviews.source || ':' || reviews.ext_id as review_id,
    reviews.source || ':' || reviews.change as change_id,
    coalesce(reviewers.person_id, reviews.source || ':' || reviews.reviewer) as reviewer_id,
    coalesce(reviewers.is_bot, false) as is_bot,
    reviews.verdict,
    reviews.submitted_at,
    reviews.comments,
from landing.reviews as reviews
left join core.identities as reviewers
    on
        reviews.source = reviewers.source
        and reviews.reviewer = reviewers.account
where reviews.deleted_at is null

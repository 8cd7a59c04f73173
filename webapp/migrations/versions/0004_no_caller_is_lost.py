"""No caller is lost

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('holiday',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('opens', sa.Integer(), nullable=True),
    sa.Column('closes', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_holiday'))
    )
    op.create_table('gap_told',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=True),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['line_id'], ['line.id'], name=op.f('fk_gap_told_line_id_line'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_gap_told_task_id_task'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gap_told'))
    )
    with op.batch_alter_table('gap_told', schema=None) as batch_op:
        batch_op.create_index('ix_gap_told_span', ['starts_at', 'ends_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_gap_told_task_id'), ['task_id'], unique=False)

    op.create_table('outgoing_mail',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('to_address', sa.String(length=254), nullable=False),
    sa.Column('reply_to', sa.String(length=254), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('message_id', sa.String(length=120), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.String(length=300), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('erased_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_outgoing_mail_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outgoing_mail')),
    sa.UniqueConstraint('key', name=op.f('uq_outgoing_mail_key')),
    sa.UniqueConstraint('message_id', name=op.f('uq_outgoing_mail_message_id'))
    )
    with op.batch_alter_table('outgoing_mail', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_outgoing_mail_made_at'), ['made_at'], unique=False)
        batch_op.create_index('ix_outgoing_mail_state', ['state', 'made_at'], unique=False)
        batch_op.create_index('ix_outgoing_mail_user', ['user_id', 'made_at'], unique=False)
        batch_op.create_index('ix_outgoing_mail_waiting', ['due_at'], unique=False, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    for statement in KEPT_WORDS[op.get_bind().dialect.name]:
        op.execute(statement)

    op.create_table('presence',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=6), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('back_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('wrap_up_until', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_presence_user_id_user'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_presence'))
    )
    op.create_table('roster_change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('rows', sa.JSON(), nullable=False),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('undone_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_roster_change_by_id_user')),
    sa.ForeignKeyConstraint(['undone_by_id'], ['user.id'], name=op.f('fk_roster_change_undone_by_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_roster_change'))
    )
    with op.batch_alter_table('roster_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_roster_change_at'), ['at'], unique=False)

    op.create_table('shift_pattern',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=True),
    sa.Column('cycle_days', sa.Integer(), nullable=False),
    sa.Column('days', sa.JSON(), nullable=False),
    sa.Column('starts', sa.Integer(), nullable=False),
    sa.Column('ends', sa.Integer(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=True),
    sa.Column('region_id', sa.Integer(), nullable=True),
    sa.Column('on_holidays', sa.Boolean(), nullable=False),
    sa.Column('laid_until', sa.Date(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['line_id'], ['line.id'], name=op.f('fk_shift_pattern_line_id_line'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['region_id'], ['region.id'], name=op.f('fk_shift_pattern_region_id_region'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_shift_pattern_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shift_pattern'))
    )
    with op.batch_alter_table('shift_pattern', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_shift_pattern_user_id'), ['user_id'], unique=False)

    op.create_table('swap',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('shift_id', sa.Integer(), nullable=True),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('shift_version', sa.Integer(), nullable=False),
    sa.Column('from_user_id', sa.Integer(), nullable=False),
    sa.Column('to_user_id', sa.Integer(), nullable=True),
    sa.Column('in_return_id', sa.Integer(), nullable=True),
    sa.Column('return_starts_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('return_ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('return_version', sa.Integer(), nullable=True),
    sa.Column('words', sa.String(length=200), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('offered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['answered_by_id'], ['user.id'], name=op.f('fk_swap_answered_by_id_user')),
    sa.ForeignKeyConstraint(['from_user_id'], ['user.id'], name=op.f('fk_swap_from_user_id_user')),
    sa.ForeignKeyConstraint(['in_return_id'], ['shift.id'], name=op.f('fk_swap_in_return_id_shift'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['shift_id'], ['shift.id'], name=op.f('fk_swap_shift_id_shift'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['to_user_id'], ['user.id'], name=op.f('fk_swap_to_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_swap'))
    )
    with op.batch_alter_table('swap', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_swap_answered_at'), ['answered_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_swap_from_user_id'), ['from_user_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_swap_in_return_id'), ['in_return_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_swap_shift_id'), ['shift_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_swap_to_user_id'), ['to_user_id'], unique=False)

    op.create_table('letter',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('touch_id', sa.Integer(), nullable=False),
    sa.Column('client_id', sa.Integer(), nullable=True),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('to_address', sa.String(length=254), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('skipped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('skip_reason', sa.String(length=200), nullable=False),
    sa.Column('mail_id', sa.Integer(), nullable=True),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], name=op.f('fk_letter_client_id_client'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['mail_id'], ['outgoing_mail.id'], name=op.f('fk_letter_mail_id_outgoing_mail')),
    sa.ForeignKeyConstraint(['touch_id'], ['touch.id'], name=op.f('fk_letter_touch_id_touch'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_letter_user_id_user')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letter')),
    sa.UniqueConstraint('mail_id', name=op.f('uq_letter_mail_id')),
    sa.UniqueConstraint('touch_id', name=op.f('uq_letter_touch_id'))
    )
    with op.batch_alter_table('letter', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_letter_client_id'), ['client_id'], unique=False)
        batch_op.create_index('ix_letter_draft', ['user_id'], unique=False, sqlite_where=sa.text('mail_id IS NULL AND skipped_at IS NULL'), postgresql_where=sa.text('mail_id IS NULL AND skipped_at IS NULL'))
        batch_op.create_index(batch_op.f('ix_letter_made_at'), ['made_at'], unique=False)
        batch_op.create_index('ix_letter_user', ['user_id', 'made_at'], unique=False)

    op.create_table('task_message',
    sa.Column('task_id', sa.Integer(), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('mood', sa.String(length=12), nullable=False),
    sa.Column('read_back', sa.Boolean(), nullable=False),
    sa.Column('taken_by_id', sa.Integer(), nullable=True),
    sa.Column('mail_id', sa.Integer(), nullable=True),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('chased_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('chases', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['mail_id'], ['outgoing_mail.id'], name=op.f('fk_task_message_mail_id_outgoing_mail')),
    sa.ForeignKeyConstraint(['taken_by_id'], ['user.id'], name=op.f('fk_task_message_taken_by_id_user')),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_task_message_task_id_task'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('task_id', name=op.f('pk_task_message'))
    )
    with op.batch_alter_table('task_message', schema=None) as batch_op:
        batch_op.create_index('ix_task_message_unread', ['task_id'], unique=False, sqlite_where=sa.text('read_at IS NULL'), postgresql_where=sa.text('read_at IS NULL'))

    # Columns are added in place, never by copying a table: on SQLite that would delete what refers to its rows.
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    for table, name, other in REFERENCES:
        constraint = f'fk_{table}_{name}_{other}'
        if op.get_bind().dialect.name == 'sqlite':
            op.execute(f'ALTER TABLE {table} ADD COLUMN {name} INTEGER CONSTRAINT {constraint} REFERENCES {other} (id)')
        else:
            op.add_column(table, sa.Column(name, sa.Integer(), nullable=True))
            op.create_foreign_key(constraint, table, other, [name], ['id'])
    op.create_index(op.f('ix_shift_line_id'), 'shift', ['line_id'], unique=False)
    op.create_index(op.f('ix_shift_pattern_id'), 'shift', ['pattern_id'], unique=False)
    op.create_index('ix_task_done', 'task', ['done_at'], unique=False, sqlite_where=sa.text('done_at IS NOT NULL'), postgresql_where=sa.text('done_at IS NOT NULL'))
    op.create_index('ix_task_done_user', 'task', ['user_id', 'done_at'], unique=False, sqlite_where=sa.text('done_at IS NOT NULL'), postgresql_where=sa.text('done_at IS NOT NULL'))
    op.create_index('ix_task_given', 'task', ['assigned_by_id', 'done_at'], unique=False, sqlite_where=sa.text('assigned_by_id IS NOT NULL'), postgresql_where=sa.text('assigned_by_id IS NOT NULL'))
    op.create_index('ix_task_reminded', 'task', ['user_id', 'reminded_at'], unique=False, sqlite_where=sa.text('done_at IS NULL AND reminded_at IS NOT NULL'), postgresql_where=sa.text('done_at IS NULL AND reminded_at IS NOT NULL'))
    op.create_index('ix_task_remind_again', 'task', ['remind_again_at'], unique=False, sqlite_where=sa.text('remind_again_at IS NOT NULL'), postgresql_where=sa.text('remind_again_at IS NOT NULL'))
    op.create_index('ix_task_to_remind', 'task', ['due_at'], unique=False, sqlite_where=sa.text('done_at IS NULL AND reminded_at IS NULL'), postgresql_where=sa.text('done_at IS NULL AND reminded_at IS NULL'))
    op.create_index(op.f('ix_touch_follows_id'), 'touch', ['follows_id'], unique=False)
    _carry_over()


def _carry_over() -> None:
    """How missed calls were closed, as their traces tell; messages get a receipt to give; nobody is reminded of old tasks."""
    op.execute("UPDATE call SET missed_how = 'reason' WHERE missed_closed_at IS NOT NULL AND missed_reason <> ''")
    op.execute(
        "UPDATE call SET missed_how = 'out' WHERE missed_closed_at IS NOT NULL AND missed_how = '' AND EXISTS "
        "(SELECT 1 FROM call_trace WHERE call_trace.call_id = call.id AND call_trace.kind = 'rang_back')"
    )
    op.execute("UPDATE call SET missed_how = 'in' WHERE missed_closed_at IS NOT NULL AND missed_how = ''")
    op.execute("UPDATE call SET missed_told = 2 WHERE direction = 'in' AND answered_at IS NULL")
    op.execute(
        "INSERT INTO task_message (task_id, who, mood, read_back, delivered_at, read_at, chases) "
        "SELECT id, '', '', FALSE, done_at, done_at, 0 FROM task WHERE kind = 'message'"
    )
    op.execute("UPDATE task SET reminded_at = due_at, reminder_answered_at = due_at WHERE done_at IS NOT NULL OR due_at < CURRENT_TIMESTAMP")
    op.execute("UPDATE task SET head_told_at = overdue_told_at")


COLUMNS = {
    'absence': [
        sa.Column('kind', sa.String(length=10), nullable=False, server_default='other'),
        sa.Column('version', sa.Integer(), nullable=False, server_default='1'),
    ],
    'call': [
        sa.Column('missed_how', sa.String(length=8), nullable=False, server_default=''),
        sa.Column('missed_told', sa.Integer(), nullable=False, server_default='0'),
        sa.Column('duty_ids', sa.JSON(), nullable=False, server_default='[]'),
    ],
    'line': [
        sa.Column('hunt', sa.JSON(), nullable=False, server_default='[]'),
        sa.Column('spread', sa.String(length=10), nullable=False, server_default='together'),
    ],
    'office': [
        sa.Column('wrap_up_seconds', sa.Integer(), nullable=False, server_default='60'),
        sa.Column('longest_promise_minutes', sa.Integer(), nullable=False, server_default='240'),
        sa.Column('missed_backup_minutes', sa.Integer(), nullable=False, server_default='5'),
        sa.Column('missed_head_minutes', sa.Integer(), nullable=False, server_default='15'),
        sa.Column('max_approaches', sa.Integer(), nullable=False, server_default='4'),
        sa.Column('requisites', sa.Text(), nullable=False, server_default=''),
        sa.Column('signature', sa.Text(), nullable=False, server_default=''),
    ],
    'shift': [
        sa.Column('version', sa.Integer(), nullable=False, server_default='1'),
    ],
    'task': [
        sa.Column('first_due_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('moves', sa.Integer(), nullable=False, server_default='0'),
        sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('reminder_answered_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('remind_again_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('head_told_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('report_how', sa.Text(), nullable=False, server_default=''),
        sa.Column('report_result', sa.Text(), nullable=False, server_default=''),
    ],
    'touch': [
        sa.Column('approach_reason', sa.Text(), nullable=False, server_default=''),
    ],
    'user': [
        sa.Column('direct_number', sa.String(length=40), nullable=False, server_default=''),
        sa.Column('email', sa.String(length=254), nullable=False, server_default=''),
        sa.Column('digest_at', sa.Integer(), nullable=True),
        sa.Column('sound', sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column('popups', sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column('not_told', sa.JSON(), nullable=False, server_default='[]'),
        sa.Column('remind_minutes', sa.Integer(), nullable=False, server_default='10'),
        sa.Column('calendar_digest', sa.String(length=64), nullable=False, server_default=''),
    ],
}


WORDS = 'key, user_id, to_address, reply_to, subject, body, message_id, made_at'
KEPT_WORDS = {
    'sqlite': [
        f"CREATE TRIGGER outgoing_mail_words BEFORE UPDATE OF {WORDS} ON outgoing_mail WHEN ("
        + " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in WORDS.split(", "))
        + ") AND (NEW.erased_at IS NULL OR NOT (NEW.erased_at IS NOT OLD.erased_at)) "
        "BEGIN SELECT RAISE(ABORT, 'the words of a mail never change'); END"
    ],
    'postgresql': [
        "CREATE FUNCTION outgoing_mail_words() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the words of a mail never change'; END $$",
        f"CREATE TRIGGER outgoing_mail_words BEFORE UPDATE OF {WORDS} ON outgoing_mail FOR EACH ROW WHEN (("
        + " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in WORDS.split(", "))
        + ") AND (NEW.erased_at IS NULL OR NOT (NEW.erased_at IS DISTINCT FROM OLD.erased_at))) "
        "EXECUTE FUNCTION outgoing_mail_words()",
    ],
}


REFERENCES = (
    ('absence', 'made_by_id', 'user'),
    ('call', 'asked_for_id', 'user'),
    ('shift', 'line_id', 'line'),
    ('shift', 'region_id', 'region'),
    ('shift', 'pattern_id', 'shift_pattern'),
    ('task', 'assigned_by_id', 'user'),
    ('touch', 'follows_id', 'touch'),
)
"""(table, column, the table referred to."""


def downgrade() -> None:
    raise NotImplementedError("a database is not taken back to an older release; restore the backup made before")

from django.db import migrations, models
import django.db.models.deletion


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0009_examination'),
    ]

    operations = [
        migrations.CreateModel(
            name='ReportedSplit',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('dimension', models.CharField(max_length=20)),
                ('value', models.TextField()),
                ('figures', models.JSONField(default=dict)),
                ('closed', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='splits', to='runs.closedmonth')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('closed', 'dimension', 'value'), name='one_split_per_closed_month_dimension_and_value')],
            },
        ),
    ]
